"""The other side of OAuth 2: the person with the browser, and whoever runs the authorisation server of a rig (`rig start --oauth`)."""
import base64
import hashlib
import html.parser
import http.cookiejar
import json
import secrets
import ssl
import urllib.error
import urllib.parse
import urllib.request


class Forms(html.parser.HTMLParser):
    """The first form of a page: action, and its fields with their values."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields, self.found = None, {}, False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag == "form" and not self.found:
            self.found, self.action = True, a.get("action", "")
        elif tag == "input" and self.found and a.get("name"):
            self.fields[a["name"]] = a.get("value", "")


class Stay(urllib.request.HTTPRedirectHandler):
    """Redirections are the Browser's business."""

    def redirect_request(self, *_):
        return None


class Browser:
    """Follows redirections, keeps cookies, fills forms in. Trusts the rig's authority."""

    def __init__(self, ca_file):
        self.opener = urllib.request.build_opener(Stay, urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
                                                  urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_file)))

    def open(self, url, data=None, stop=None):
        """(address, status, page) where the redirections end; at an address that begins with `stop` it does not ask any more."""
        for _ in range(20):
            if stop and url.startswith(stop):
                return url, 0, ""
            try:
                with self.opener.open(url, data, timeout=30) as r:
                    return url, r.status, r.read().decode()
            except urllib.error.HTTPError as e:
                if e.code not in (301, 302, 303, 307, 308):
                    return url, e.code, e.read().decode(errors="replace")
                url, data = urllib.parse.urljoin(url, e.headers["Location"]), None
        raise AssertionError(f"redirected without end: {url}")

    def approve(self, url, account, answer="yes", stop=None):
        """From the address that the program showed to the end: sends every form off, as `account`."""
        at, status, page = self.open(url, stop=stop)
        for _ in range(10):
            form = Forms(page)
            if not form.found or at.startswith(stop or "\0"):
                return at, status, page
            fields = dict(form.fields)
            if "account" in fields:
                fields.update(account=account, answer=answer)
            at, status, page = self.open(urllib.parse.urljoin(at, form.action), urllib.parse.urlencode(fields).encode(), stop)
            if fields.get("answer") == "no":
                return at, status, page
        raise AssertionError(f"forms without end at {at}")


class Server:
    """The rig's authorisation server, as its operator sees it, and as a client of another make would."""

    def __init__(self, rig):
        self.rig, self.about = rig, rig.info["oauth"]
        self.context = ssl.create_default_context(cafile=rig.info["ca_file"])

    def control(self, **wish):
        data = json.dumps(wish).encode() if wish else None
        with urllib.request.urlopen(self.about["control"], data, timeout=30, context=self.context) as r:
            return json.load(r)

    def count(self, grant=None, status=None):
        """Token requests so far; of one grant type ("refresh_token", "jwt-bearer", ...), of one status."""
        by_grant = self.control()["by_grant"]
        return sum(n for g, tally in by_grant.items() for s, n in tally.items() if grant in (None, g) and status in (None, int(s)))

    def token(self, **form):
        """(status, answer) of a token request."""
        try:
            with urllib.request.urlopen(self.about["token_endpoint"], urllib.parse.urlencode(form).encode(), timeout=30, context=self.context) as r:
                return r.status, json.load(r)
        except urllib.error.HTTPError as e:
            return e.code, json.load(e)

    def sign_in(self, account, client="desktop", redirect="http://127.0.0.1:1/callback"):
        """The token answer of an authorisation code flow done in Python: what any other program would get."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {"client_id": client, "response_type": "code", "redirect_uri": redirect, "scope": "mail offline_access", "prompt": "consent",
                 "state": "s", "code_challenge": challenge, "code_challenge_method": "S256"}
        at, _, page = Browser(self.rig.info["ca_file"]).approve(self.about["authorization_endpoint"] + "?" + urllib.parse.urlencode(query), account,
                                                                stop=redirect)
        answer = urllib.parse.parse_qs(urllib.parse.urlsplit(at).query)
        if "code" not in answer:
            raise AssertionError(f"no code at {at}: {page[:500]}")
        status, tokens = self.token(grant_type="authorization_code", code=answer["code"][0], redirect_uri=redirect, client_id=client,
                                    code_verifier=verifier)
        if status != 200:
            raise AssertionError(f"token endpoint: {status} {tokens}")
        return tokens
