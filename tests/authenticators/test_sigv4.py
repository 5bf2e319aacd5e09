from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.authenticators.sigv4 import AwsKey, aws_signed
from app.foundation.messages import OutRequest
from app.foundation.outbound_rules import check_request
from app.foundation.secret import Secret
from tests.authenticators.flows import header_of

SUITE = AwsKey("AKIDEXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), "service", "us-east-1")
SUITE_AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
S3 = AwsKey("AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), "s3", "us-east-1")
URL = "https://example.amazonaws.com"


def signature(request, key=SUITE, now=SUITE_AT):
    return header_of(aws_signed(request, key, now=now), "Authorization").partition("Signature=")[2]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (OutRequest("GET", f"{URL}/"), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (OutRequest("GET", URL), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (OutRequest("GET", f"{URL}//"), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (
            OutRequest("GET", f"{URL}/a/.."),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (OutRequest("POST", f"{URL}/"), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            OutRequest("GET", f"{URL}/?Param2=value2&Param1=value1"),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ],
    ids=["get-vanilla", "no path", "get-slash", "get-relative", "post-vanilla", "query-order"],
)
def test_signatures_are_those_of_the_aws_test_suite(request_, expected):
    assert signature(request_) == expected


def test_the_header_is_that_of_the_aws_test_suite():
    made = aws_signed(OutRequest("GET", f"{URL}/"), SUITE, now=SUITE_AT)
    assert header_of(made, "X-Amz-Date") == "20150830T123600Z"
    assert header_of(made, "Authorization").startswith(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature="
    )


def test_the_signature_is_that_of_iam_s_documented_example():
    request = OutRequest(
        "GET",
        "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
        (("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),),
    )
    key = AwsKey(SUITE.access_key_id, SUITE.secret_access_key, "iam", "us-east-1")
    assert signature(request, key) == "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"


def test_the_signature_is_that_of_s3_s_documented_example():
    request = OutRequest("GET", "https://examplebucket.s3.amazonaws.com/test.txt", (("Range", "bytes=0-9"),))
    found = signature(request, S3, datetime(2013, 5, 24, tzinfo=UTC))
    assert found == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"


def test_an_instant_in_another_zone_is_written_in_utc():
    local = SUITE_AT.astimezone(timezone(timedelta(hours=9)))
    assert signature(OutRequest("GET", f"{URL}/"), now=local) == signature(OutRequest("GET", f"{URL}/"))


def test_a_session_token_is_signed_and_hidden():
    key = AwsKey("AKID", Secret("CANARY-secret"), "sts", "eu-west-1", Secret("CANARY-session"))
    made = aws_signed(OutRequest("POST", f"{URL}/", (), b"a=1"), key, now=SUITE_AT)
    assert header_of(made, "X-Amz-Security-Token") == "CANARY-session"
    assert "x-amz-security-token" in header_of(made, "Authorization")
    assert set(made.secret_headers) == {"x-amz-security-token", "authorization"}
    assert Secret("CANARY-secret") in made.secrets
    assert "CANARY" not in repr(made)


def test_method_path_query_body_and_signed_headers_all_count():
    plain = OutRequest("POST", f"{URL}/a?b=1", (("Content-Type", "text/plain"),), b"x")
    others = [
        OutRequest("PUT", plain.url, plain.headers, plain.body),
        OutRequest("POST", f"{URL}/b?b=1", plain.headers, plain.body),
        OutRequest("POST", f"{URL}/a?b=2", plain.headers, plain.body),
        OutRequest("POST", plain.url, (("Content-Type", "text/html"),), plain.body),
        OutRequest("POST", plain.url, (*plain.headers, ("X-Amz-Target", "t")), plain.body),
        OutRequest("POST", plain.url, plain.headers, b"y"),
        OutRequest("POST", "https://other.amazonaws.com/a?b=1", plain.headers, plain.body),
    ]
    assert len({signature(one) for one in (plain, *others)}) == len(others) + 1


def test_headers_that_the_way_may_change_do_not_count():
    plain = OutRequest("GET", f"{URL}/")
    assert signature(OutRequest("GET", f"{URL}/", (("User-Agent", "x"), ("Accept", "*/*")))) == signature(
        plain
    )


def test_signing_again_replaces_what_was_there():
    once = aws_signed(OutRequest("GET", f"{URL}/"), SUITE, now=SUITE_AT)
    assert aws_signed(once, SUITE, now=SUITE_AT).headers == once.headers


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30), st.binary(max_size=30))
def test_any_query_can_be_signed(query, body):
    check_request(aws_signed(OutRequest("POST", f"{URL}/?{query}", (), body), SUITE, now=SUITE_AT))
