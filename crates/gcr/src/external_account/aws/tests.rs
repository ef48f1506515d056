use regcred_core::report;
use regcred_http_testing::{Fake, Reply};
use serde_json::Value;

use super::*;
use crate::testing::{POOL, cloud, now};

fn source(imds: &str) -> Value {
    json!({
        "environment_id": "aws1",
        "region_url": format!("{imds}/latest/meta-data/placement/availability-zone"),
        "url": format!("{imds}/latest/meta-data/iam/security-credentials"),
        "imdsv2_session_token_url": format!("{imds}/latest/api/token"),
        "regional_cred_verification_url":
            "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
    })
}

fn aws(cloud: &Cloud, source: &Value) -> Result<Aws, String> {
    Aws::new(
        &cloud.settings,
        serde_json::from_value(source.clone()).expect("fields"),
    )
}

/// EC2's metadata server in its second version: no answer without a session.
async fn imds() -> Fake {
    Fake::start(|request| {
        if request.method == "PUT" {
            let ttl = request.header("x-aws-ec2-metadata-token-ttl-seconds");
            return match (&*request.path, ttl) {
                ("/latest/api/token", Some("300")) => Reply::ok("session-1"),
                _ => Reply::new(400),
            };
        }
        if request.header("x-aws-ec2-metadata-token") != Some("session-1") {
            return Reply::new(401);
        }
        match &*request.path {
            "/latest/meta-data/placement/availability-zone" => Reply::ok("eu-west-1b"),
            "/latest/meta-data/iam/security-credentials" => Reply::ok("node-role"),
            "/latest/meta-data/iam/security-credentials/node-role" => Reply::ok(
                r#"{"Code":"Success","AccessKeyId":"ASIA1","SecretAccessKey":"secret","Token":"session"}"#,
            ),
            _ => Reply::new(404),
        }
    })
    .await
}

/// The request inside the subject token.
fn decoded(token: &SecretString) -> Value {
    let url = Url::parse(&format!("https://x/?{}", token.expose_secret())).expect("encoded");
    let (text, _) = url.query_pairs().next().expect("text");
    serde_json::from_str(&text).expect("JSON")
}

fn headers(request: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let headers = request["headers"].as_array().expect("list");
    headers
        .iter()
        .map(|pair| (text(&pair["key"]), text(&pair["value"])))
        .collect()
}

#[tokio::test]
async fn keys_of_the_environment_sign_the_request() {
    let cloud = cloud(&[
        ("AWS_REGION", "us-east-2"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        (
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        ),
    ]);
    // No server listens there: nothing but the environment is needed.
    let aws = aws(&cloud, &source("http://169.254.169.254")).expect("good");
    let token = aws.token(&cloud, POOL).await.expect("token");
    assert!(!token.expose_secret().contains(['"', ' ', '/', '+', '=']));
    let request = decoded(&token);
    assert_eq!(request["method"], "POST");
    assert_eq!(
        request["url"],
        "https://sts.us-east-2.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
    );
    let headers = headers(&request);
    let value = |name: &str| {
        let found = headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(value("host"), Some("sts.us-east-2.amazonaws.com"));
    assert_eq!(
        value("x-amz-date"),
        Some(now().format("%Y%m%dT%H%M%SZ").to_string().as_str())
    );
    assert_eq!(value("x-goog-cloud-target-resource"), Some(POOL));
    assert_eq!(value("x-amz-security-token"), None);
    let authorization = value("authorization").expect("signed");
    assert!(
        authorization.starts_with(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-2/sts/aws4_request, \
             SignedHeaders=host;x-amz-date;x-goog-cloud-target-resource, Signature="
        ),
        "{authorization}"
    );
}

#[tokio::test]
async fn an_instances_role_and_region_come_from_its_metadata() {
    let imds = imds().await;
    let cloud = cloud(&[]);
    let aws = aws(&cloud, &source(&imds.url(""))).expect("good");
    let token = aws.token(&cloud, POOL).await.expect("token");
    let request = decoded(&token);
    assert!(
        request["url"]
            .as_str()
            .expect("URL")
            .starts_with("https://sts.eu-west-1.amazonaws.com?")
    );
    let headers = headers(&request);
    assert!(headers.contains(&("x-amz-security-token".to_owned(), "session".to_owned())));
    assert!(headers[0].1.contains("Credential=ASIA1/"));
    let requests = imds.seen();
    let sessions = requests.iter().filter(|r| r.method == "PUT");
    assert_eq!(sessions.count(), 1);
}

#[tokio::test]
async fn without_keys_the_error_names_the_places_searched() {
    let cloud = cloud(&[("AWS_REGION", "us-east-2")]);
    let mut without = source("http://169.254.169.254");
    without["url"] = Value::Null;
    let silent = aws(&cloud, &without).expect("good");
    let error = silent.token(&cloud, POOL).await.expect_err("no keys");
    assert!(
        error.to_string().contains("credential_source.url"),
        "{error}"
    );

    let imds = crate::testing::fake(|_| Err("no role".to_owned())).await;
    let refused = aws(&cloud, &source(&imds.url(""))).expect("good");
    let error = refused.token(&cloud, POOL).await.expect_err("no role");
    assert!(report(&error).contains("no role"), "{}", report(&error));
}

#[test]
fn addresses_that_are_not_awss_are_refused() {
    let cloud = cloud(&[]);
    let good = source("http://169.254.169.254");
    assert!(aws(&cloud, &good).is_ok());
    assert!(aws(&cloud, &source("http://[fd00:ec2::254]")).is_ok());
    for (field, value) in [
        ("environment_id", "aws2"),
        ("url", "http://evil.com/x"),
        ("region_url", "https://evil.com/x"),
        ("imdsv2_session_token_url", "http://evil.com/x"),
        ("regional_cred_verification_url", "https://sts.evil.com/"),
        (
            "regional_cred_verification_url",
            "http://sts.{region}.amazonaws.com/",
        ),
        (
            "regional_cred_verification_url",
            "https://sts.{region}.amazonaws.com.evil.com/",
        ),
    ] {
        let mut source = good.clone();
        source[field] = value.into();
        assert!(aws(&cloud, &source).is_err(), "{field} {value}");
    }
}
