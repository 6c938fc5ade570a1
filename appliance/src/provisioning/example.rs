//! What `plenum config example` prints.

/// A file with every key; a test reads it back.
pub const EXAMPLE: &str = r##"# plenum.toml: sets a box up without anybody touching it. Put it on a USB stick (FAT), plug the stick in, and
# switch the box on. Check it beforehand: plenum config check plenum.toml
#
# With a signature beside it (plenum.toml.sig) it is applied without a question; without, the box's display asks.
# What is left out keeps the box's own default. Secrets are taken in and not kept as they stand here: destroy the
# file when its boxes are set up.
version = 1

# Under this name people open their meetings; the DNS has to lead it to the box.
host_name = "konferenz.example.org"

# NTP servers. Left out: those that the network names.
time_servers = ["time.example.org"]

# One section for each person. The second factor is the secret of an authenticator that the person has already.
[[administrator]]
name = "ada@example.org"
password = "choose a sentence of your own"
second_factor = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

# Reads the audit log and changes nothing.
[[auditor]]
name = "bob@example.org"
password = "and another sentence for him"
second_factor = "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"

# Left out: every port, addresses by DHCP and router advertisement.
[network]
# A fixed address belongs to one port, or to several in a bond.
ports = ["enp1s0"]
# bond = "active_backup"  # or "lacp"
# vlan = 42
dns = ["192.0.2.53"]
domains = ["example.org"]
# Where a router in front translates addresses: those of the router, which forwards UDP 10000.
# public_addresses = ["203.0.113.10"]
# For updates and certificates from outside.
# proxy = "http://proxy.example.org:3128"
# proxy_except = ["example.org"]

[network.ipv4]
mode = "static"  # or "dhcp", "off"
address = "192.0.2.10"
prefix = 24
gateway = "192.0.2.1"

[network.ipv6]
mode = "automatic"  # or "static" with address, prefix and gateway, or "off"

[institution]
name = "Unfallversicherung Nord"
imprint = "https://www.example.org/impressum"
privacy = "https://www.example.org/datenschutz"
data_protection_officer = "datenschutz@example.org"
# The pages derive shades from it that can be read. Left out: their own.
colour = "#0b5cad"

# Where updates come from: a folder on any web server. Left out: updates come as a file or on a USB stick.
[update]
source = "https://updates.example.org/plenum"
# A folder in it. Left out: the source itself.
channel = "stable"
# The box looks once a day. With true it installs what it finds, and restarts for it. Left out: false.
automatic = true
# Hours in UTC in which the box restarts even while people meet. Left out: as soon as nobody does.
restart_window = "01:00-03:30"
# authorities = """PEM of the server's own authority, if it is none of the public ones"""

# The server that takes the box's mail. Left out: it sends none.
[mail]
server = "mail.example.org"
port = 465
encryption = "tls"  # or "start_tls", as a rule on port 587
user = "plenum"
password = "what the server knows"
sender = "plenum@example.org"
# Up to 4, who get notices of the box's problems.
recipients = ["it@example.org"]
# authorities = """PEM of the server's own authority, if it is none of the public ones"""

# The server that gets the operations logs (RFC 5425). Left out: they stay on the box.
# [syslog]
# server = "logs.example.org"
# port = 6514
# authorities = """PEM of the server's own authority, if it is none of the public ones"""

# Left out: a backup every day, once somebody has made a key for them in the administration.
[backup]
# From `plenum config backup-key`; note it before you destroy the file: without it no backup can be read.
# key = "32 letters and digits"
daily_at = "02:00"  # in UTC; empty: none by itself
keep = 14

# One of the next two sections. Without both, the box makes its own certificate, and browsers warn of it.
# [acme]
# directory = "https://acme.example.org/directory"
# contact = "it@example.org"
# authorities = """PEM of the directory's own authority, if it is none of the public ones"""
# External account binding, if the directory asks for one.
# binding_key_id = "customer 7"
# binding_key = "base64url"

# [certificate]
# chain = """
# -----BEGIN CERTIFICATE-----
# that of the box first, then each one that signed the one before
# -----END CERTIFICATE-----
# """
# key = """
# -----BEGIN PRIVATE KEY-----
# without a passphrase
# -----END PRIVATE KEY-----
# """
"##;
