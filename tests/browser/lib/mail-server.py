"""A mail server that asks for a login: TLS from the first byte on one port, STARTTLS on another.

Writes a line of JSON with its ports, and one for each mail that it takes. Ends with its standard input.
"""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


def say(value):
    print(json.dumps(value), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 nobody lives here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        text = envelope.content.decode()
        say({"from": envelope.mail_from, "to": envelope.rcpt_tos, "text": text, "encrypted": server.transport.get_extra_info("sslcontext") is not None})
        return "250 2.0.0 queued as 4711"


async def main(address, chain, key, user, password):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)

    def authenticate(server, session, envelope, mechanism, data):
        right = (data.login.decode(), data.password.decode()) == (user, password)
        return AuthResult(success=right, handled=False)

    def smtp(**options):
        return SMTP(Handler(), auth_required=True, authenticator=authenticate, **options)

    loop = asyncio.get_running_loop()
    implicit = lambda: smtp(auth_require_tls=False)
    explicit = lambda: smtp(tls_context=context, require_starttls=True)
    servers = {
        "tls": await loop.create_server(implicit, address, 0, ssl=context),
        "start_tls": await loop.create_server(explicit, address, 0),
    }
    say({kind: server.sockets[0].getsockname()[1] for kind, server in servers.items()})
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main(*sys.argv[1:]))
