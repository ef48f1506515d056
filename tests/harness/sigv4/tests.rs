//! The checker against AWS's own published example, and against small changes of it.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};

use super::*;

/// The `get-vanilla-query-order-key-case` case of the AWS Signature Version 4 test suite.
fn published() -> (Seen, Vec<AccessKey>, DateTime<Utc>) {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("example.amazonaws.com"));
    headers.insert("x-amz-date", HeaderValue::from_static("20150830T123600Z"));
    headers.insert(
        "authorization",
        HeaderValue::from_static(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    );
    let mut request = Seen::new(Method::GET, "/?Param2=value2&Param1=value1");
    request.headers = headers;
    let key = AccessKey {
        id: "AKIDEXAMPLE".to_owned(),
        secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
        session: None,
    };
    let now = "2015-08-30T12:38:00Z".parse().expect("a time");
    (request, vec![key], now)
}

#[test]
fn the_published_example_is_accepted() {
    let (request, keys, now) = published();
    let signed = verify(&request, &keys, now).expect("accepted");
    assert_eq!(
        (signed.region.as_str(), signed.service.as_str()),
        ("us-east-1", "service")
    );
}

#[test]
fn every_change_is_refused() {
    let code = |change: fn(&mut Seen, &mut Vec<AccessKey>, &mut DateTime<Utc>)| {
        let (mut request, mut keys, mut now) = published();
        change(&mut request, &mut keys, &mut now);
        verify(&request, &keys, now).expect_err("refused").code
    };
    let invalid = "InvalidSignatureException";
    assert_eq!(
        code(|r, _, _| r.query = "Param1=value1".to_owned()),
        invalid
    );
    assert_eq!(code(|r, _, _| r.body = Bytes::from_static(b"{}")), invalid);
    assert_eq!(code(|_, k, _| k[0].secret.push('x')), invalid);
    assert_eq!(code(|_, _, now| *now += TimeDelta::minutes(10)), invalid);
    assert_eq!(
        code(|r, _, _| drop(
            r.headers
                .insert("x-amz-target", HeaderValue::from_static("x"))
        )),
        invalid
    );
    let unknown = "UnrecognizedClientException";
    assert_eq!(code(|_, k, _| k.clear()), unknown);
    assert_eq!(code(|_, k, _| k[0].session = Some("s".to_owned())), unknown);
    assert_eq!(
        code(|r, _, _| drop(r.headers.remove("authorization"))),
        "MissingAuthenticationTokenException"
    );
}
