use super::*;

fn accept(json: &str) -> Result<AccessToken, ProviderError> {
    let answer: Answer = serde_json::from_str(json).expect("JSON");
    answer.accept(DateTime::UNIX_EPOCH, "phx.ocir.io")
}

#[test]
fn either_token_is_read_with_its_end() {
    // {"exp":1200}
    let jwt = "e30.eyJleHAiOjEyMDB9.c2ln";
    for (json, token, end) in [
        (
            r#"{"token":"t.k","access_token":"t.k","scope":"","expires_in":3600}"#.to_owned(),
            "t.k",
            3600,
        ),
        (
            r#"{"token":null,"access_token":"a","expires_in":"60"}"#.to_owned(),
            "a",
            60,
        ),
        (
            r#"{"token":"","access_token":"a","expires_in":59.9}"#.to_owned(),
            "a",
            59,
        ),
        (format!(r#"{{"token":"{jwt}"}}"#), jwt, 1200),
        (r#"{"token":"opaque"}"#.to_owned(), "opaque", 1800),
        (
            r#"{"token":"t","expires_in":1e300}"#.to_owned(),
            "t",
            86_400,
        ),
    ] {
        let issued = accept(&json).expect(&json);
        assert_eq!(issued.secret.expose_secret(), token);
        assert_eq!(issued.expires_at.timestamp(), end, "{json}");
    }
}

#[test]
fn an_answer_without_a_living_token_is_malformed() {
    for json in [
        "{}",
        r#"{"token":""}"#,
        r#"{"token":"a b","expires_in":3600}"#,
        r#"{"token":"t","expires_in":0}"#,
        r#"{"token":"t","expires_in":-5}"#,
        r#"{"token":"e30.eyJleHAiOjB9.c2ln"}"#,
    ] {
        let error = accept(json).expect_err(json);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{json}");
    }
}
