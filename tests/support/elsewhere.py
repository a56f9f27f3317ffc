"""An address that nothing on the embedded AWS may reach, and an environment that names it."""

import contextlib
import os
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

SECRET = "AKIAPERSONSOWNKEY000"
_SERVICES = ("BACKUP", "CLOUDFORMATION", "DYNAMODB", "IAM", "S3", "S3_FOR_CLOUDFORMATION", "SSM", "STS")
_PROXIES = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NPM_CONFIG_PROXY", "NPM_CONFIG_HTTPS_PROXY")


class Elsewhere(socketserver.ThreadingTCPServer):
    """Answers nothing, and keeps the first line of everything that reaches it in ``seen``."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Logger)
        self.seen: list[bytes] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Logger(socketserver.StreamRequestHandler):
    server: Elsewhere

    def handle(self) -> None:
        self.server.seen.append(self.rfile.readline())


@contextlib.contextmanager
def listening() -> Iterator[Elsewhere]:
    """An ``Elsewhere`` for the length of a ``with`` block."""
    with Elsewhere() as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield server
        finally:
            server.shutdown()
            serving.join()


def environment(url: str, folder: Path) -> dict[str, str]:
    """This process's, in which every variable and file that can sign or redirect does so."""
    keys = f"aws_access_key_id = {SECRET}\naws_secret_access_key = {SECRET}\n"
    token, credentials, config = (folder / name for name in ("token", "credentials", "config"))
    token.write_text(SECRET)
    credentials.write_text(f"[default]\n{keys}[own]\n{keys}")
    config.write_text(f"[default]\nendpoint_url = {url}\n[profile own]\nendpoint_url = {url}\n")
    names = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
    return {
        **os.environ,
        **{f"AWS_ENDPOINT_URL_{service}": url for service in _SERVICES},
        **{name: url for proxy in _PROXIES for name in (proxy, proxy.lower())},
        **{f"{prefix}_{name}": SECRET for prefix in ("AWS", "AMAZON") for name in names},
        "AWS_PROFILE": "own",
        "AWS_DEFAULT_PROFILE": "own",
        "AWS_EC2_METADATA_DISABLED": "false",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": url,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": url,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": SECRET,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_ROLE_ARN": "arn:aws:iam::111111111111:role/own",
        "aws_ca_bundle": str(token),
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
        "AWS_CONFIG_FILE": str(config),
        "AWS_ENDPOINT_URL": url,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "NO_PROXY": "example.com",
        "no_proxy": "example.com",
        "npm_config_no_proxy": "example.com",
        "CDK_PROXY": url,
        "CDK_PROFILE": "own",
        "CDK_ROLE_ARN": f"arn:aws:iam::111111111111:role/{SECRET}",
        "CDK_DEFAULT_ACCOUNT": "111111111111",
        "CDK_DISABLE_CLI_TELEMETRY": "false",
        "TELEMETRY_ENDPOINT": url,
    }
