"""Hosts that make an allow-list worthless: they serve script that anybody can steer, or that anybody can publish.

A selection of what real policies name, not a collection of all there are. Where it comes from:

* JSONP end points and AngularJS copies: M. Weichselbaum, M. Spagnuolo, S. Lekies, A. Janc, "CSP Is Dead, Long Live
  CSP!" (CCS 2016), and the host lists that csp-evaluator keeps since (`allowlist_bypasses/`, 2026-05);
* package mirrors: their own documentation (any file of any npm package or public repository is served as script);
* hosting: anybody can get a name below these domains.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from seatrial.rules.csp.sources import Kind, Source, Url, matches


class Way(StrEnum):
    """How script of an attacker's choice gets out of the host."""

    JSONP = "answers with script that the caller names (JSONP)"
    ANGULAR = "serves AngularJS, which runs expressions out of the page"
    MIRROR = "serves every file of every public package"
    HOSTING = "gives everybody a host of their own"
    FLASH = "serves Flash files that run script"


class Bypass(NamedTuple):
    """One URL that lets foreign script in."""

    url: Url
    way: Way
    needs_eval: bool = False
    """Works only beside 'unsafe-eval'."""


_JSONP = """
    accounts.google.com/o/oauth2/revoke
    ajax.googleapis.com/ajax/services/search/news
    api.facebook.com/restserver.php
    api.flickr.com/services/feeds/photos_friends.gne
    api.instagram.com/v1/tags/x/media/recent
    api.map.baidu.com/
    api.mixpanel.com/track/
    api.vk.com/method/wall.get
    books.google.com/books
    cdn.syndication.twimg.com/widgets/timelines/1
    clients1.google.com/complete/search
    connect.mail.ru/share_count
    cse.google.com/api/1/cse/1/queries/js
    dev.virtualearth.net/REST/V1/Imagery/Metadata/AerialWithLabels/1
    fast.wistia.com/embed/medias/1.json
    googleads.g.doubleclick.net/pagead/conversion/1/wcm
    graph.facebook.com/1/
    gum.criteo.com/sync
    ib.adnxs.com/jpt
    links.services.disqus.com/api/ping
    m.addthis.com/live/red_lojson/100eng.json
    maps.google.com/maps/vt
    maps.googleapis.com/maps/api/js/GeoPhotoService.GetMetadata
    mc.yandex.ru/watch/1/1
    nominatim.openstreetmap.org/
    pagead2.googlesyndication.com/relatedsearch
    partner.googleadservices.com/gampad/ads
    publish.twitter.com/oembed
    pubsub.pubnub.com/subscribe/demo/hello_world/
    query.yahooapis.com/v1/public/yql
    securepubads.g.doubleclick.net/gampad/ads
    suggest.taobao.com/sug
    syndication.twitter.com/widgets/timelines/1
    translate.google.com/translate_a/l
    translate.googleapis.com/translate_a/l
    translate.yandex.net/api/v1.5/tr.json/detect
    ulogin.ru/token.php
    vimeo.com/api/oembed.json/
    widgets.pinterest.com/v3/pidgets/boards/1/1/pins/
    www.blogger.com/feeds/1/posts/summary/1
    www.facebook.com/restserver.php
    www.google.com/tools/feedback/escalation-options
    www.googleapis.com/freebase/v1/topic/m/1
    www.sharethis.com/get-publisher-info.php
    www.youtube.com/profile_style
"""
_JSONP_WITH_EVAL = """
    googletagmanager.com/gtm/js
    ssl.google-analytics.com/gtm/js
    www.google-analytics.com/gtm/js
    www.googleadservices.com/pagead/conversion/1/wcm
    www.googletagmanager.com/gtm/js
"""
_ANGULAR = """
    ajax.googleapis.com/ajax/libs/angularjs/1.2.0rc1/angular.min.js
    cdn.bootcss.com/angular.js/1.2.0/angular.min.js
    cdn.jsdelivr.net/angularjs/1.1.2/angular.min.js
    cdn.shopify.com/s/files/1/1/1/t/1/assets/angular-animate.min.js
    cdnjs.cloudflare.com/ajax/libs/angular.js/1.2.16/angular.min.js
    code.angularjs.org/1.2.16/angular.min.js
    dl.dropboxusercontent.com/u/1/angular.min.js
    oss.maxcdn.com/angularjs/1.2.20/angular.min.js
    static.tumblr.com/1/1/angular-resource.min_1_.js
    storage.googleapis.com/anybody/angular.min.js
    www.gstatic.com/fsn/angular_js-bundle1.js
    yandex.st/angularjs/1.2.16/angular-cookies.min.js
    yastatic.net/angularjs/1.2.23/angular.min.js
"""
_MIRROR = """
    cdn.jsdelivr.net/npm/anybody/x.js
    cdn.jsdelivr.net/gh/anybody/x/x.js
    cdn.skypack.dev/anybody
    cdn.statically.io/gh/anybody/x/main/x.js
    esm.run/anybody
    esm.sh/anybody
    jspm.dev/anybody
    raw.githack.com/anybody/x/main/x.js
    rawcdn.githack.com/anybody/x/main/x.js
    unpkg.com/anybody/x.js
"""
_HOSTING = """
    anybody.appspot.com/x.js
    anybody.azurewebsites.net/x.js
    anybody.blob.core.windows.net/x/x.js
    anybody.blogspot.com/x.js
    anybody.cloudfront.net/x.js
    anybody.firebaseapp.com/x.js
    anybody.github.io/x.js
    anybody.gitlab.io/x.js
    anybody.herokuapp.com/x.js
    anybody.kxcdn.com/x.js
    anybody.netlify.app/x.js
    anybody.pages.dev/x.js
    anybody.s3.amazonaws.com/x.js
    anybody.vercel.app/x.js
    anybody.web.app/x.js
    anybody.workers.dev/x.js
    s3.amazonaws.com/anybody/x.js
"""
_FLASH = """
    ajax.googleapis.com/ajax/libs/yui/2.8.0r4/build/charts/assets/charts.swf
    vk.com/swf/video.swf
"""


def _entries(text: str, way: Way, needs_eval: bool = False) -> Iterator[Bypass]:
    for line in text.split():
        host, _, path = line.partition("/")
        yield Bypass(Url("https", host, f"/{path}"), way, needs_eval)


_SCRIPTS = (
    *_entries(_JSONP, Way.JSONP),
    *_entries(_JSONP_WITH_EVAL, Way.JSONP, needs_eval=True),
    *_entries(_ANGULAR, Way.ANGULAR),
    *_entries(_MIRROR, Way.MIRROR),
    *_entries(_HOSTING, Way.HOSTING),
)


def _index(entries: tuple[Bypass, ...]) -> dict[str, list[Bypass]]:
    """By host, and by every wildcard that lets the host through."""
    found: dict[str, list[Bypass]] = {}
    for bypass in entries:
        labels = bypass.url.host.split(".")
        for name in (bypass.url.host, *("*." + ".".join(labels[n:]) for n in range(1, len(labels)))):
            found.setdefault(name, []).append(bypass)
    return found


_BY_HOST = _index(_SCRIPTS)
_FLASH_BY_HOST = _index(tuple(_entries(_FLASH, Way.FLASH)))


def of_script(found: Source, evaluates: bool) -> Iterator[Bypass]:
    """The known ways around a host of script-src."""
    for bypass in _BY_HOST.get(found.value, ()) if found.kind is Kind.HOST else ():
        if (evaluates or not bypass.needs_eval) and matches(found, bypass.url):
            yield bypass


def of_object(found: Source) -> Iterator[Bypass]:
    """The same of object-src."""
    for bypass in _FLASH_BY_HOST.get(found.value, ()) if found.kind is Kind.HOST else ():
        if matches(found, bypass.url):
            yield bypass
