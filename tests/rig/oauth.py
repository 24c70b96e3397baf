"""The OAuth 2 server of a rig that was started with `--oauth`: oidc-provider (tests/js/oauth_server.js), whose tokens Dovecot and,
through it, Postfix take beside the rig's password. What a test needs to know of it stands in rig.json's member "oauth".
"""
import os
import secrets
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER = os.path.normpath(f"{HERE}/../js/oauth_server.js")


def missing():
    """What to do before a rig can have it; empty: nothing."""
    absent = [name for name in ("nodejs", "npm") if not shutil.which(name.replace("nodejs", "node"))]
    return f"apt-get install {' '.join(absent)} (or ./run test, which installs all of packages.debian)" if absent else ""


def describe(info, life):
    """The member "oauth" of rig.json; what each client is for stands in oauth_server.js."""
    base = f"https://127.0.0.1:{info['oauth_port']}"
    return {"issuer": base, "authorization_endpoint": f"{base}/auth", "token_endpoint": f"{base}/token",
            "device_authorization_endpoint": f"{base}/device/auth", "control": f"{base}/control", "life": life,
            "client_secret": "secret-" + secrets.token_hex(12), "service_account": "robot@rig.test", "key_id": "rig-key-1",
            "service_account_key_file": f"{info['dir']}/tls/service-account.key"}


def configure(info, run, fill, values):
    """The service account's key, and what of Dovecot's configuration is about tokens."""
    key = info["oauth"]["service_account_key_file"]
    run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
    run("openssl", "pkey", "-in", key, "-pubout", "-out", key + ".pub")
    secret = info["oauth"]["client_secret"]
    values.update({"OAUTH_MECHANISMS": "xoauth2 oauthbearer", "OAUTH_PASSDB": f"!include {info['dir']}/dovecot/oauth-passdb.conf"})
    fill("dovecot-oauth-passdb.conf.in", f"{info['dir']}/dovecot/oauth-passdb.conf", values)
    fill("dovecot-oauth2.conf.in", f"{info['dir']}/dovecot/oauth2.conf",
         {**values, "INTROSPECTION": f"https://dovecot:{secret}@127.0.0.1:{info['oauth_port']}/token/introspection"})


def command(info):
    """(argv, environment)"""
    import json
    sys.path.insert(0, os.path.dirname(SERVER))
    import modules
    d, oauth = info["dir"], info["oauth"]
    options = {"port": info["oauth_port"], "cert": f"{d}/tls/server.pem", "key": f"{d}/tls/server.key", "secret": oauth["client_secret"],
               "service_account_public": oauth["service_account_key_file"] + ".pub", "life": oauth["life"]}
    return ["node", SERVER, json.dumps(options)], {**os.environ, "NODE_PATH": modules.node_modules()}
