//! Connections that are too slow.

use super::*;

/// Reads to the end what never ends, and says why it was given up.
async fn given_up(client: &Client, request: Request) -> HttpError {
    let read = async {
        let mut answer = client.send(request).await?;
        while answer.chunk().await?.is_some() {}
        Ok(())
    };
    read.await.expect_err("too slow")
}

#[tokio::test]
async fn an_idle_connection_is_given_up() {
    let head = "HTTP/1.1 200 X\r\ncontent-length: 3\r\n\r\n";
    let pieces = Reply::raw(head)
        .then_after(Duration::from_millis(40), "a")
        .then_after(Duration::from_secs(600), "b");
    let server = Fake::answering(vec![pieces]).await;
    let mut options = ClientOptions::new(&Env::default());
    options.idle_timeout = Duration::from_millis(300);
    let client = Client::new(options).expect("client");
    let request = Request::get(&server.url("/")).without_timeout();
    let error = given_up(&client, request).await;
    assert!(error.is_timeout() && error.is_passing());
    let text = error.to_string();
    assert!(text.ends_with("nothing was received for 300ms"), "{text}");
}

#[tokio::test]
async fn the_requests_time_covers_its_body() {
    let mut reply = Reply::raw("HTTP/1.1 200 X\r\ncontent-length: 100000\r\n\r\n");
    for _ in 0..100_000 {
        reply = reply.then_after(Duration::from_millis(10), "a");
    }
    let server = Fake::answering(vec![reply]).await;
    let request = Request::get(&server.url("/")).timeout(Duration::from_millis(500));
    let error = given_up(&client(), request).await;
    assert!(error.is_timeout() && !error.is_passing());
    let text = error.to_string();
    assert!(text.ends_with("not done within 500ms"), "{text}");
}
