use super::*;

#[tokio::test]
async fn instance_metadata_is_asked_with_a_session_also_an_emulators() {
    for with_ttl in [true, false] {
        let imds = metadata(with_ttl).await;
        let api = ecr_for("AKIAIMDS", true).await;
        // A proxy must not see the metadata service.
        let env = Env::map([
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.uri()),
            ("AWS_ENDPOINT_URL_ECR", api.uri()),
            ("HTTP_PROXY", closed()),
        ]);
        ask(HOST, &env).await.expect("token");
    }
}

#[tokio::test(start_paused = true)]
async fn silent_instance_metadata_costs_two_seconds() {
    let (_listener, url) = silent();
    let env = Env::map([("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)]);
    let started = Instant::now();
    let error = ask(HOST, &env).await.expect_err("silent");
    let took = started.elapsed();
    assert!(took < Duration::from_millis(2500), "{took:?}");
    assert!(took >= Duration::from_secs(1), "{took:?}");
    let text = report(&error);
    assert!(text.contains("no answer (not an EC2 instance"), "{text}");
}

#[tokio::test]
async fn an_instance_without_a_role_says_so() {
    let server = MockServer::start().await;
    Mock::given(method("PUT"))
        .respond_with(ResponseTemplate::new(200).set_body_string("t"))
        .mount(&server)
        .await;
    let env = Env::map([("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.uri())]);
    let error = ask(HOST, &env).await.expect_err("no role");
    let text = report(&error);
    assert!(text.contains("the instance has no IAM role"), "{text}");
    assert_eq!(calls(&server).await, 2, "no second try after an answer");
}

#[tokio::test]
async fn an_address_that_is_not_metadata_is_told_apart() {
    let server = MockServer::start().await;
    let env = Env::map([("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.uri())]);
    let error = ask(HOST, &env).await.expect_err("HTTP 404 for a token");
    let text = report(&error);
    assert!(
        text.contains("something else than instance metadata"),
        "{text}"
    );
}
