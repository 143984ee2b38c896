"""What an app imports to pass: errors in one shape, validated requests, security headers, log-in by OpenID, clean HTML.

    from seatrial.kit.errors import init_errors
    from seatrial.kit.headers import init_headers

    init_errors(app)
    init_headers(app)

Each module stands by itself, and this package imports none of them. docs/kit.md is its page.
"""
