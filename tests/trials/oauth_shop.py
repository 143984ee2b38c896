"""One careful OpenID client, made by hand; and beside it one for each check that it could have left out."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from urllib.parse import urlencode

import requests
from authlib.integrations.flask_client import OAuth
from flask import Flask, abort, redirect, request, session
from joserfc import jws
from joserfc.jwk import ECKey, KeySet, RSAKey

ISSUER, CLIENT, SECRET = "https://id.example/realm", "shop", "a-secret-of-the-shop"
FLAWS = [
    *("none", "no-pkce", "plain-pkce", "constant-pkce", "short-verifier", "no-verifier", "wrong-verifier"),
    *(
        "no-state",
        "constant-state",
        "state-optional",
        "state-any",
        "state-of-all",
        "state-kept",
        "state-shared",
        "state-shared-too",
    ),
    *("state-kept-after-error", "no-nonce", "no-nonce-no-pkce", "constant-nonce", "nonce-optional", "nonce-unchecked"),
    *("nonce-supported", "iss", "iss-slash", "iss-optional", "aud", "aud-optional", "aud-by-azp", "aud-empty"),
    *("azp-optional", "azp", "exp", "exp-optional", "iat-future", "iat-optional", "iat-old", "nbf", "sub-optional"),
    *("sub-type", "sub-empty", "at-hash", "metadata-issuer", "response-iss", "response-iss-optional", "userinfo"),
    *("id-token-optional", "alg-none", "alg-none-listed", "alg-none-unlisted", "hs256-secret", "hs256-public"),
    *("hs256-listed", "wrong-key", "unknown-kid", "embedded-key", "stripped", "crit", "typ", "unverified"),
    *("code-optional", "errors-ignored", "errors-ignored-in-posts", "uncaught", "telling", "access-token-optional"),
    *("token-type", "session-kept", "redirect-by-host", "redirect-by-proxy", "redirect-other", "broken", "tired"),
]
EVERYBODYS = {}


class Refused(Exception):
    pass


class Client:
    def __init__(self, flaw):
        self.flaw = flaw
        self.seen = 0
        self.key = "pending" if "state-shared" in flaw else f"pending_{flaw}"
        self.callback_path = f"/{flaw}/callback"
        self.redirect_uri = f"https://localhost{self.callback_path}"

    def insist(self, check, holds):
        if not holds and self.flaw != check:
            raise Refused(check)

    def metadata(self):
        found = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=5).json()
        self.insist("metadata-issuer", found["issuer"] == ISSUER)
        return found

    # -------------------------------------------------------------- the beginning
    def login(self):
        try:
            return self.begin()
        except Refused:
            return "That did not work.", 400

    def begin(self):
        flaw = self.flaw
        where = self.metadata()["authorization_endpoint"]
        state = "constant" if flaw == "constant-state" else secrets.token_urlsafe(12)
        verifier = (
            "v" * 50 if flaw == "constant-pkce" else secrets.token_urlsafe(15 if flaw == "short-verifier" else 40)
        )
        nonce = "constant" if flaw == "constant-nonce" else secrets.token_urlsafe(12)
        pending = {"state": state, "verifier": verifier, "nonce": nonce}
        session[self.key] = pending
        EVERYBODYS[state] = pending
        asked = {"response_type": "code", "client_id": CLIENT, "scope": "openid email", "redirect_uri": self.uri()}
        if flaw != "no-state":
            asked["state"] = state
        if flaw not in ("no-nonce", "no-nonce-no-pkce"):
            asked["nonce"] = nonce
        if flaw == "plain-pkce":
            asked |= {"code_challenge": verifier, "code_challenge_method": "plain"}
        elif flaw not in ("no-pkce", "no-nonce-no-pkce"):
            asked |= {
                "code_challenge": b64(hashlib.sha256(verifier.encode()).digest()),
                "code_challenge_method": "S256",
            }
        return redirect(f"{where}?{urlencode(asked)}")

    def uri(self):
        if self.flaw == "redirect-by-host":
            return f"https://{request.host}{self.callback_path}"
        if self.flaw == "redirect-by-proxy":
            return f"https://{request.headers.get('X-Forwarded-Host', 'localhost')}{self.callback_path}"
        return self.redirect_uri

    # -------------------------------------------------------------- the way back
    def callback(self):
        if self.flaw == "broken":
            return redirect("/")
        self.seen += 1
        if self.flaw == "tired" and self.seen > 30:
            return "You are banned.", 403
        if self.flaw == "uncaught":
            return self.finish()
        try:
            return self.finish()
        except (Refused, requests.RequestException, ValueError, KeyError) as error:
            return (str(error), 400) if self.flaw == "telling" else ("That did not work.", 400)

    def finish(self):
        sent, flaw = request.values, self.flaw
        pending = self.pending(sent)
        if not (flaw == "errors-ignored-in-posts" and request.method == "POST"):
            self.insist("errors-ignored", "error" not in sent)
        if flaw == "code-optional" and "code" not in sent:
            session["user_id"] = "somebody"
            return redirect("/account")
        self.insist("", "code" in sent)
        metadata = self.metadata()
        if metadata.get("authorization_response_iss_parameter_supported"):
            self.insist("response-iss-optional", "iss" in sent)
        self.insist("response-iss", sent.get("iss", ISSUER) == ISSUER)
        token = self.token(metadata, sent.get("code"), pending)
        subject = self.subject(metadata, token, pending)
        if flaw == "userinfo":
            answer = requests.get(
                metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {token['access_token']}"}, timeout=5
            )
            subject = answer.json()["sub"]
        if flaw != "session-kept":
            for key in [k for k in session if not k.startswith("pending") or flaw != "state-kept"]:
                session.pop(key)
        session["user_id"] = subject
        return redirect("/account")

    def pending(self, sent):
        flaw, state = self.flaw, sent.get("state")
        mine = session.get(self.key)
        if flaw == "state-of-all":
            self.insist("", state in EVERYBODYS)
            return EVERYBODYS.pop(state)
        if flaw == "state-any" or (flaw == "state-optional" and not state):
            return mine or {"verifier": "", "nonce": None}
        self.insist("", mine is not None)
        if flaw != "state-kept" and not (flaw == "state-kept-after-error" and "error" in sent):
            session.pop(self.key)
        self.insist("no-state", state == mine["state"])
        return mine

    def token(self, metadata, code, pending):
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": f"{self.redirect_uri}/" if self.flaw == "redirect-other" else self.uri(),
            "client_id": CLIENT,
            "client_secret": SECRET,
            "code_verifier": {"no-verifier": "", "wrong-verifier": "w" * 50}.get(self.flaw, pending["verifier"]),
        }
        answer = requests.post(metadata["token_endpoint"], data=form, timeout=5)
        if self.flaw == "telling" and answer.status_code != 200:
            raise Refused(f"{answer.status_code} for {form}")
        answer.raise_for_status()
        token = answer.json()
        self.insist("", "error" not in token)
        self.insist("access-token-optional", "access_token" in token)
        self.insist("token-type", token.get("token_type") == "Bearer")
        return token

    def subject(self, metadata, token, pending):
        flaw = self.flaw
        if flaw == "id-token-optional" and "id_token" not in token:
            answer = requests.get(
                metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {token['access_token']}"}, timeout=5
            )
            return answer.json()["sub"]
        header, claims = self.verified(metadata, token["id_token"])
        self.insist("typ", header.get("typ", "JWT") == "JWT")
        now, iss, aud = time.time(), claims.get("iss"), claims.get("aud")
        if flaw == "iss-slash":
            iss = str(iss).rstrip("/")
        if not (flaw == "metadata-issuer" and iss == metadata["issuer"]):
            self.insist("iss", iss == ISSUER or (iss is None and flaw == "iss-optional"))
        audiences = aud if isinstance(aud, list) else [aud]
        ours = CLIENT in audiences or (aud is None and flaw == "aud-optional")
        ours = ours or (flaw == "aud-by-azp" and claims.get("azp") == CLIENT) or (flaw == "aud-empty" and not aud)
        self.insist("aud", ours)
        self.insist("azp-optional", len(audiences) < 2 or "azp" in claims)
        self.insist("azp", claims.get("azp", CLIENT) == CLIENT)
        self.insist("exp-optional", "exp" in claims)
        self.insist("exp", claims.get("exp", now + 1) > now)
        self.insist("iat-optional", "iat" in claims)
        self.insist("iat-future", claims.get("iat", now) <= now + 60)
        self.insist("iat-old", claims.get("iat", now) > now - 3600)
        self.insist("nbf", claims.get("nbf", now) <= now + 60)
        self.insist("sub-optional", "sub" in claims)
        subject = claims.get("sub", "nobody")
        self.insist("sub-type", isinstance(subject, str))
        self.insist("sub-empty", subject != "")
        if "at_hash" in claims and "access_token" in token:
            expected = b64(hashlib.sha256(token["access_token"].encode()).digest()[:16])
            self.insist("at-hash", claims["at_hash"] == expected)
        self.nonce(claims, pending)
        return subject

    def nonce(self, claims, pending):
        if self.flaw in ("no-nonce", "no-nonce-no-pkce"):
            return
        if self.flaw == "nonce-supported" and claims.get("nonce_supported") is False:
            return
        self.insist("nonce-optional", "nonce" in claims)
        if pending["nonce"] is not None:
            self.insist("nonce-unchecked", claims.get("nonce", pending["nonce"]) == pending["nonce"])

    def verified(self, metadata, token):
        head, body, signature = token.split(".")
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, body))
        flaw, alg = self.flaw, header["alg"]
        keys = requests.get(metadata["jwks_uri"], timeout=5).json()
        listed = metadata.get("id_token_signing_alg_values_supported")
        if flaw == "unverified":
            return header, claims
        if alg == "none":
            allowed = flaw == "alg-none" or (flaw == "alg-none-listed" and "none" in (listed or ()))
            self.insist("", allowed or (flaw == "alg-none-unlisted" and listed is None))
        elif alg == "HS256":
            pem = RSAKey.import_key(keys["keys"][0]).as_pem(private=False)
            known = [SECRET.encode()] if flaw == "hs256-secret" else [pem] if flaw == "hs256-public" else []
            known += [pem] if flaw == "hs256-listed" and "HS256" in listed else []
            made = [b64(hmac.new(key, f"{head}.{body}".encode(), hashlib.sha256).digest()) for key in known]
            self.insist("", signature in made)
        elif flaw == "embedded-key" and "jwk" in header:
            self.checked(token, ECKey.import_key(header["jwk"]))
        elif not signature:
            self.insist("stripped", False)
        elif header.get("kid") not in [key["kid"] for key in keys["keys"]]:
            self.insist("unknown-kid", False)
            self.insist("", alg == "RS256")
        elif "crit" in header and flaw not in ("crit", "wrong-key"):
            self.insist("", False)  # older releases of joserfc pass over it
        elif not (flaw == "crit" and "crit" in header) and flaw != "wrong-key":
            self.checked(token, KeySet.import_key_set(keys))
        return header, claims

    def checked(self, token, key):
        try:
            jws.deserialize_compact(
                token, key, registry=jws.JWSRegistry(algorithms=["RS256", "ES256"], strict_check_header=False)
            )
        except Exception as error:
            raise Refused("signature") from error


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def create_app(config=None):
    app = Flask(__name__)
    app.config.update(config or {})
    app.config["SECRET_KEY"] = "0f9b2c77e1d84a53b6c9d2e8f7a1b0c4"
    app.config["SESSION_COOKIE_SECURE"] = True

    @app.get("/")
    def home():
        return "shop"

    @app.get("/account")
    def account():
        if "user_id" not in session:
            abort(401)
        return "your account"

    for flaw in FLAWS:
        client = Client(flaw)
        app.add_url_rule(f"/{flaw}/login", f"{flaw}_login", client.login)
        methods = ["GET", "POST"] if "post" in flaw else ["GET"]
        app.add_url_rule(client.callback_path, f"{flaw}_callback", client.callback, methods=methods)
    with_authlib(app)
    return app


def with_authlib(app):
    """Clients by Authlib: as its documentation has it, with PKCE and errors caught; and less careful ones."""
    oauth = OAuth(app)
    found = {"server_metadata_url": f"{ISSUER}/.well-known/openid-configuration"}
    static = {
        "authorize_url": f"{ISSUER}/authorize",
        "access_token_url": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/jwks",
        "userinfo_endpoint": f"{ISSUER}/userinfo",
    }
    for name, where, pkce in (
        ("authlib", found, "S256"),
        ("authlib-userinfo", found, "S256"),
        ("authlib-no-pkce", found, None),
        ("authlib-plain", found, "plain"),
        ("authlib-static", static, "S256"),
        ("authlib-uncaught", found, "S256"),
    ):
        oauth.register(
            name,
            client_id=CLIENT,
            client_secret=SECRET,
            client_kwargs={"scope": "openid email", **({"code_challenge_method": pkce} if pkce else {})},
            **where,
        )

    @app.get("/provider/<name>/login")
    def authlib_login(name):
        return oauth.create_client(name).authorize_redirect(f"https://localhost/provider/{name}/callback")

    @app.route("/provider/<name>/callback", methods=["GET", "POST"])
    def authlib_callback(name):
        client = oauth.create_client(name)
        if name == "authlib-uncaught":
            session["user_id"] = client.authorize_access_token()["userinfo"]["sub"]
            return redirect("/account")
        try:
            token = client.authorize_access_token()
            user = client.userinfo(token=token) if name == "authlib-userinfo" else token["userinfo"]
            subject = user["sub"]
        except Exception:
            return "That did not work.", 400
        session.clear()
        session["user_id"] = subject
        return redirect("/account")
