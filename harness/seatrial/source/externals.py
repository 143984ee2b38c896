"""Calls to other machines, as they stand in the source: through aliases, clients in variables, and helpers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from seatrial.model.structure import Outside
from seatrial.source.facts import Function, Module
from seatrial.source.project import Project

PACKAGES = (
    "requests", "requests_oauthlib", "httpx", "aiohttp", "urllib.request", "urllib3", "http.client", "httplib2",
    "pycurl", "boto3", "botocore", "aioboto3", "google.auth", "google.oauth2", "google.cloud", "googleapiclient",
    "google_auth_oauthlib", "google.generativeai", "azure", "msal", "firebase_admin", "stripe", "paypalrestsdk",
    "braintree", "square", "adyen", "mollie", "plaid", "shopify", "quickbooks", "smtplib", "imaplib", "poplib",
    "ftplib", "telnetlib", "paramiko", "pysftp", "ldap3", "ldap", "grpc", "zeep", "suds", "sendgrid",
    "mailchimp_transactional", "mailchimp_marketing", "postmarker", "python_http_client", "mailjet_rest", "twilio",
    "vonage", "slack_sdk", "slack", "discord", "telegram", "tweepy", "praw", "github", "gitlab", "jira", "openai",
    "anthropic", "cohere", "replicate", "elasticsearch", "opensearchpy", "algoliasearch", "meilisearch", "pusher",
    "hubspot", "intercom", "segment", "mixpanel", "shippo", "easypost", "dropbox", "docusign_esign", "geopy",
    "flask_mail.Mail()", "flask_mailman.Mail()", "socket.create_connection", "xmlrpc.client", "telnetlib3",
)  # fmt: skip
"""By what a program imports. Authlib's and Flask-Dance's log-in clients are left out: the route is their protocol."""

# Nothing is sent by them: values, exceptions, checks of a signature.
_LOCAL = re.compile(
    r"requests\.(Request|PreparedRequest|utils|exceptions|adapters|auth|structures|codes|cookies|models)\b"
    r"|httpx\.(URL|Timeout|Limits|Headers|QueryParams|BasicAuth|Request|Response|codes|Cookies)\b"
    r"|urllib\.request\.(Request|quote|unquote|pathname2url|url2pathname|build_opener|install_opener)\b"
    r"|urllib3\.(util|exceptions|Retry|Timeout|disable_warnings)\b|http\.client\.responses\b|http\.client\.HTTPStatus\b"
    r"|stripe\.(Webhook|WebhookSignature|error|util|Event\.construct_from|StripeObject|convert_to_stripe_object)\b"
    r"|boto3\.dynamodb\.(conditions|types)\b|botocore\.(exceptions|config)\b|google\.oauth2\.credentials\b"
    r"|google\.auth\.(exceptions|transport)\b|sendgrid\.helpers\b|aiohttp\.(ClientTimeout|web|FormData)\b"
    r"|grpc\.(StatusCode|ssl_channel_credentials)\b|twilio\.(request_validator|twiml)\b|geopy\.distance\b"
    r"|elasticsearch\.helpers\b|ldap3?\.(filter|utils)\b|slack_sdk\.signature\b|github\.GithubException\b"
    r"|flask_mail(man)?\.Mail\(\)\.(init_app|state)\b"
)
_ERROR = re.compile(r"(Error|Exception|Timeout|Warning)(\(\))?$")
_CLIENTS = re.compile(
    r"\.(Session|Client|AsyncClient|PoolManager|StripeClient|client|resource|Mail\(\)|OpenAI|Anthropic)$"
)
_MAKER = re.compile(r"(^|\.)([A-Z]\w*|client|resource|session|build|connect|create_client|from_service_account_\w+)$")
"""What makes a client."""


@dataclass(slots=True)
class Externals:
    """Answers for one project. `is_service` tells which files the routes are meant to call."""

    project: Project
    is_service: Callable[[str], bool]
    is_route: Callable[[str], bool]
    follow: bool = True
    """Into helpers outside of the service layer; where no layer is known, nothing can be told of them."""
    _known: dict[tuple[str, str], tuple[Outside, ...]] = field(default_factory=dict)

    def of(self, module: Module, function: Function) -> tuple[Outside, ...]:
        """What a function calls on other machines, itself and through helpers."""
        found = list(self.direct(module, function))
        if self.follow:
            found += self._through(module, function)
        return tuple(found)

    def direct(self, module: Module, function: Function) -> tuple[Outside, ...]:
        key = (module.path, function.qualname)
        if key not in self._known:
            self._known[key] = tuple(self._direct(module, function))
        return self._known[key]

    def _direct(self, module: Module, function: Function) -> Iterator[Outside]:
        for call in function.calls:
            made = self.project.made_of(module, call.chain, function)
            package = self.package(made)
            written = self.project.through(self.project.dotted(module, call.chain.partition("(")[0]))
            if made.partition("(")[0] != written and not _MAKER.search(made.partition("(")[0]):
                continue  # a variable with what a call brought home, not a client
            if package and not (function is module.body and _CLIENTS.search(call.chain)):
                made_here = self.package(written)
                what = call.chain.partition("(")[0] if made_here else call.chain
                yield Outside(package, f"{what}()", self.project.lines.place(module.path, call.line))

    def package(self, chain: str) -> str:
        """The package of a resolved chain, where a call of it leaves the machine."""
        top = chain.partition(".")[0].partition("(")[0]
        if top not in _TOPS or top in self.project.by_name:
            return ""
        for package in PACKAGES:
            if chain == package or chain.startswith((package + ".", package + "(")):
                quiet = _LOCAL.match(chain) or _ERROR.search(chain.partition("(")[0])
                return "" if quiet else package.removesuffix(".Mail()")
        return ""

    def _through(self, module: Module, function: Function) -> Iterator[Outside]:
        seen = {(module.path, function.qualname)}
        waiting = [(module, function, 2)]
        while waiting:
            here, inside, depth = waiting.pop()
            for call in inside.calls:
                found = self.project.function(here, call.chain, inside.qualname)
                if found is None:
                    continue
                owner, helper = found
                key = (owner.path, helper.qualname)
                if key in seen or helper.owner or self.is_service(owner.path) or self.is_route(owner.path):
                    continue
                seen.add(key)
                for outside in self.direct(owner, helper):
                    through = f"{owner.name or owner.path}:{helper.qualname}"
                    line = call.line if inside is function else function.line
                    place = self.project.lines.place(module.path, line)
                    yield Outside(outside.package, outside.what, place, through)
                if depth > 1:
                    waiting.append((owner, helper, depth - 1))


_TOPS = frozenset(package.partition(".")[0] for package in PACKAGES)
