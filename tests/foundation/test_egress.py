from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.addresses import embedded_ipv4, is_public
from app.foundation.egress import (
    EgressCause,
    EgressPolicy,
    EgressRefusedError,
    SystemResolver,
    host_matches,
    parse_target,
)

PUBLIC_ONLY = EgressPolicy()

# What a name server or a config value may hold for "a machine of ours": every one must be refused.
BLOCKED_HOSTS = """
127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.254 127.0.0.1. 0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.1
10.255.255.255 172.16.0.1 172.31.255.254 192.168.0.1 192.168.255.254 169.254.0.1 169.254.169.254
169.254.169.254. 169.254.170.2 169.254.170.23 168.63.129.16 100.100.100.200 100.64.0.1 100.127.255.254
192.0.0.1 192.0.0.192 192.0.2.1 198.51.100.7 203.0.113.9 198.18.0.1 198.19.255.254 192.88.99.1 192.31.196.1
192.52.193.1 192.175.48.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 2130706433 017700000001
0x7f000001 0X7F000001 0x7f.0.0.1 0x7f.0x0.0x0.0x1 127.1 127.0.1 0177.0.0.1 0177.0.0.01 127.0.0.01
127.0.0.0x1 00127.0.0.1 0 0x 0x0 1 1.1 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.254.43518 169.16689662
4294967295 4294967296 99999999999999999999 256.256.256.256 1.2.3.4.5 1.2.3.256 0xffffffffff 127.0.0.1.1
foo.0x7f a.1 127。0。0。1 127\uff0e0\uff0e0\uff0e1 127｡0｡0｡1 \uff11\uff12\uff17.0.0.1 ①②⑦.0.0.1 ⓛocalhost
localhost。 \u017flack.com exämple.com 127.0.0.1%00.example.com 127.0.0.1%2eexample.com %31%32%37.0.0.1
127.0.0.1%20 localhost%00 user@127.0.0.1 user:pw@127.0.0.1 example.com@127.0.0.1
slack.com:443@169.254.169.254 127.0.0.1\\@slack.com slack.com\\.evil.example 127.0.0.1\\ a..b .slack.com
slack.com.. - -a.com a-.com metadata.google.internal METADATA.google.internal. metadata.goog
instance-data.ec2.internal [::] [::1] [0:0:0:0:0:0:0:1] [0000::0001] [::ffff:127.0.0.1] [::ffff:7f00:1]
[::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [::ffff:8.8.8.8] [::127.0.0.1] [::7f00:1] [::8.8.8.8]
[::ffff:0:127.0.0.1] [::ffff:0:8.8.8.8] [64:ff9b::7f00:1] [64:ff9b::10.0.0.1] [64:ff9b::169.254.169.254]
[64:ff9b::8.8.8.8] [64:ff9b:1::7f00:1] [64:ff9b:1:a9fe:a9:fe00::] [2002:7f00:1::] [2002:7f00:0001::1]
[2002:a9fe:a9fe::] [2002:c0a8:1::1] [2002:808:808::1] [2001:0:7f00:1::] [2001::1]
[2001:0:4136:e378:8000:63bf:80ff:fffe] [2001:2::1] [2001:10::1] [2001:20::1] [2001:db8::1] [3fff::1]
[3ffe::1] [2620:4f:8000::1] [2606:4700::5efe:127.0.0.1] [2606:4700::200:5efe:10.0.0.1] [fc00::1] [fd00::1]
[fdff:ffff::1] [fd00:ec2::254] [fd20:ce::254] [fe80::1] [febf::1] [fe80::1%eth0] [fe80::1%25eth0]
[fe80::1%1] [fec0::1] [feff::1] [ff02::1] [ff0e::1] [100::1] [5f00::1] [4000::1] [::1%lo]
[2606:4700::1111%25eth0] [127.0.0.1] [::1.2.3] [:::1] [v1.fe80::1] [::1 ::1 [::1]x [::1][::2] fe80::1
::ffff:127.0.0.1
""".split()  # noqa: SIM905 - a table of a hundred and seventy forms is read better as words

ALLOWED_HOSTS = """
8.8.8.8 1.1.1.1 9.9.9.9 93.184.216.34 11.0.0.1 126.255.255.255 128.0.0.1 172.15.255.255 172.32.0.1
192.167.255.255 192.169.0.1 169.253.255.255 169.255.0.1 100.63.255.255 100.128.0.1 168.63.129.17
198.17.255.255 198.20.0.1 223.255.255.255 203.0.114.1 8.8.8.8. [2606:4700::1111] [2001:4860:4860::8888]
[2A00:1450:4001::64] [2620:fe::fe] [2001:200::1] [2003::1] [3ffd::1] [2606:4700:0:0:0:0:0:1111]
""".split()  # noqa: SIM905 - as above


def answers(text: str):
    return tuple(ipaddress.ip_address(part) for part in text.split())


def cause_of(call, *arguments) -> EgressCause:
    with pytest.raises(EgressRefusedError) as refusal:
        call(*arguments)
    return refusal.value.cause


def test_the_table_of_blocked_hosts_is_long_enough():
    assert len(set(BLOCKED_HOSTS)) >= 120
    assert len(set(ALLOWED_HOSTS)) >= 20


@pytest.mark.parametrize("host", BLOCKED_HOSTS)
def test_a_host_form_that_leads_inside_is_refused(host):
    with pytest.raises(EgressRefusedError):
        PUBLIC_ONLY.check_url(f"https://{host}/path")
    with pytest.raises(EgressRefusedError):
        PUBLIC_ONLY.check_url(f"https://{host}:8443/path")


@pytest.mark.parametrize("host", ALLOWED_HOSTS)
def test_a_public_address_is_allowed(host):
    target = PUBLIC_ONLY.check_url(f"https://{host}/path?x=1#part")
    assert target.literal is not None
    assert PUBLIC_ONLY.check_address(target.literal)
    assert target.path == "/path?x=1"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://slack.com/",
        "file:///etc/passwd",
        "gopher://slack.com/",
        "//slack.com/",
        "slack.com",
        "",
        "https:",
        "https://",
        "https:///path",
        "https://:443/",
        "https://slack.com:0/",
        "https://slack.com:65536/",
        "https://slack.com:/",
        "https://slack.com:0443/",
        "https://slack.com:+443/",
        "https://slack.com:\uff14\uff14\uff13/",
        "https://slack.com:443:443/",
        "https://slack.com/\r\nX: y",
        "https://slack.com/\x00",
        "https://slack.com/\x7f",
        "https://slack.com\t/",
        " https://slack.com/",
        "https://slack.com /",
        "https://slack.com\\@127.0.0.1/",
        "https:\\\\slack.com/",
        "https:/slack.com/",
        "http+unix://x/",
        "https://sla ck.com/",
        "https://slack.com\u2028/",
        "https://slack.com/\x85",
        "javascript:alert(1)",
        "https://*.slack.com/",
        "https://" + "a" * 64 + ".com/",
        "https://" + "a." * 130 + "com/",
        "https://slack.com/" + "a" * 20_000,
    ],
)
def test_a_url_of_another_form_is_refused(url):
    assert cause_of(parse_target, url) is EgressCause.URL


def test_a_refusal_names_the_rule_and_never_the_address():
    with pytest.raises(EgressRefusedError) as refusal:
        PUBLIC_ONLY.check_url("https://169.254.169.254/secret-path")
    assert str(refusal.value) == "ADDRESS"


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTPS://Slack.COM./api", "https://slack.com/api"),
        ("https://slack.com", "https://slack.com/"),
        ("https://slack.com?x=1#y", "https://slack.com/?x=1"),
        ("https://slack.com:443/", "https://slack.com/"),
        ("https://slack.com:8443/a?b", "https://slack.com:8443/a?b"),
        ("https://[2606:4700:0::1111]:8443/", "https://[2606:4700::1111]:8443/"),
        ("https://my_host.example.com/", "https://my_host.example.com/"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("https://slack.com/a@b:c/../d", "https://slack.com/a@b:c/../d"),
    ],
)
def test_a_url_has_one_normal_form(url, normal):
    assert parse_target(url).url == normal


@pytest.mark.parametrize(
    ("host", "pattern", "matches"),
    [
        ("slack.com", "slack.com", True),
        ("SLACK.com", "slack.COM", True),
        ("slack.com.", "slack.com", True),
        ("api.slack.com", "slack.com", False),
        ("evilslack.com", "slack.com", False),
        ("api.slack.com", "*.slack.com", True),
        ("a.b.slack.com", "*.slack.com", True),
        ("A.Slack.Com", "*.SLACK.com", True),
        ("slack.com", "*.slack.com", False),
        (".slack.com", "*.slack.com", False),
        ("evilslack.com", "*.slack.com", False),
        ("slack.com.evil.example", "*.slack.com", False),
        ("slack.com", "*", False),
        ("slack.com", "*.", False),
        ("slack.com", "sl*.com", False),
        ("a.b.com", "*.*.com", False),
        ("", "", False),
        ("::1", "[::1]", True),
        ("127.0.0.1", "127.0.0.1", True),
    ],
)
def test_a_host_pattern_matches_whole_labels_only(host, pattern, matches):
    assert host_matches(host, pattern) is matches


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("http://slack.com/", EgressCause.SCHEME),
        ("http://8.8.8.8/", EgressCause.SCHEME),
        ("https://slack.com:22/", EgressCause.PORT),
        ("https://slack.com:25/", EgressCause.PORT),
        ("https://slack.com:444/", EgressCause.PORT),
        ("https://8.8.8.8:1023/", EgressCause.PORT),
        ("https://127.0.0.1:80/", EgressCause.ADDRESS),
        ("https://metadata.google.internal/", EgressCause.HOST),
    ],
)
def test_the_rule_that_is_broken_is_named(url, cause):
    assert cause_of(PUBLIC_ONLY.check_url, url) is cause


@pytest.mark.parametrize("port", [80, 443, 1024, 8443, 65535])
def test_the_public_is_reached_on_web_ports_and_unprivileged_ones(port):
    assert PUBLIC_ONLY.check_url(f"https://slack.com:{port}/").port == port


def test_an_operator_network_opens_its_addresses_any_port_and_plain_http():
    policy = EgressPolicy((ipaddress.ip_network("10.1.0.0/16"),))
    for url in ("http://10.1.2.3/", "http://10.1.2.3:22/", "https://10.1.255.255:444/"):
        assert policy.check_url(url).literal is not None
    assert cause_of(policy.check_url, "http://10.2.0.1/") is EgressCause.ADDRESS
    assert cause_of(policy.check_url, "http://8.8.8.8/") is EgressCause.SCHEME


@pytest.mark.parametrize(
    ("resolved", "cause"),
    [
        ("8.8.8.8 10.0.0.1", EgressCause.ADDRESS),
        ("10.1.0.1 8.8.8.8", EgressCause.SCHEME),
        ("2606:4700::1111 ::1", EgressCause.ADDRESS),
        ("10.1.0.1 10.2.0.1", EgressCause.ADDRESS),
        ("", EgressCause.ADDRESS),
    ],
)
def test_one_bad_answer_refuses_a_plain_name(resolved, cause):
    policy = EgressPolicy((ipaddress.ip_network("10.1.0.0/16"),))
    target = policy.check_url("http://nas.example:8080/")
    assert cause_of(policy.check_answers, target, answers(resolved)) is cause


def test_a_name_with_an_allowed_and_a_public_answer_keeps_to_the_public_ports():
    policy = EgressPolicy((ipaddress.ip_network("10.1.0.0/16"),))
    target = policy.check_url("https://nas.example:22/")
    policy.check_answers(target, answers("10.1.0.1"))
    assert cause_of(policy.check_answers, target, answers("10.1.0.1 8.8.8.8")) is EgressCause.PORT


@pytest.mark.parametrize(
    ("networks", "address", "allowed"),
    [
        ("169.254.0.0/16", "169.254.169.254", False),
        ("0.0.0.0/0", "169.254.169.254", False),
        ("0.0.0.0/0", "10.0.0.1", True),
        ("169.254.169.254/32", "169.254.169.254", True),
        ("100.64.0.0/10", "100.64.0.7", True),
        ("100.64.0.0/10", "100.100.100.200", False),
        ("fd00::/8", "fd00::7", True),
        ("fd00::/8", "fd00:ec2::254", False),
        ("fd00:ec2::254/128", "fd00:ec2::254", True),
        ("::1/128", "::1", True),
        ("127.0.0.0/8", "::1", False),
        ("127.0.0.0/8", "::ffff:127.0.0.1", False),
        ("::/0", "::ffff:127.0.0.1", False),
        ("::/0", "64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::/96", "64:ff9b::808:808", True),
        ("64:ff9b::/96", "64:ff9b::7f00:1", False),
        ("64:ff9b::/96", "64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::/96 10.0.0.0/8", "64:ff9b::a00:1", True),
        ("64:ff9b:1::/48", "64:ff9b:1::808:808", True),
        ("64:ff9b:1::/48", "64:ff9b:1::a00:1", False),
        ("64:ff9b:1::/48", "64:ff9b:1:a00:0:100::", False),
        ("2002::/16", "2002:808:808::1", True),
        ("2002::/16", "2002:a00:1::1", False),
        ("fe80::/10", "fe80::1%eth0", False),
    ],
)
def test_an_allowed_network_never_opens_what_hides_inside_it(networks, address, allowed):
    policy = EgressPolicy(tuple(map(ipaddress.ip_network, networks.split())))
    assert policy.check_address(ipaddress.ip_address(address)) is allowed


@given(st.ip_addresses(v=4))
def test_no_ipv6_wrapping_of_an_ipv4_address_is_public(address):
    raw = int(address)
    shapes = (
        raw, (0xFFFF << 32) | raw, (0xFFFF << 48) | raw, (0x64FF9B << 96) | raw, (0x64FF9B0001 << 80) | raw,
        (0x2002 << 112) | (raw << 80), (0x2001 << 112) | (raw ^ 0xFFFFFFFF),
    )  # fmt: skip
    for wrapped in map(ipaddress.IPv6Address, shapes):
        assert not is_public(wrapped)
        assert address in embedded_ipv4(wrapped) or raw <= 1 or raw >> 24 == 0


@given(st.ip_addresses())
def test_no_address_that_python_calls_special_is_public(address):
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_link_local:
        assert not is_public(address)


@given(st.text(max_size=40))
def test_any_text_as_host_is_refused_or_read_as_a_plain_ascii_name(text):
    try:
        target = parse_target(f"https://{text}/")
    except EgressRefusedError:
        return
    assert target.host.isascii()
    assert target.host == target.host.lower()
    assert parse_target(target.url) == target


async def test_the_system_resolver_gives_each_address_once():
    resolver = SystemResolver()
    try:
        addresses = await resolver.resolve("localhost", 443)
    finally:
        resolver.close()
    assert set(addresses) <= set(answers("127.0.0.1 ::1"))
    assert len(addresses) == len(set(addresses)) >= 1


async def test_the_system_resolver_raises_for_an_unknown_name():
    resolver = SystemResolver()
    with pytest.raises(socket.gaierror):
        await resolver.resolve("no-such-name.invalid", 443)
    resolver.close()
    resolver.close()
