//! How many pulls, and how often.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_empty_bucket_fails_at_once() {
    let bench = Bench::with(Runtime::with(&[(IMAGE, None)]), |builder, _| {
        builder.limits(PullLimits {
            qps: 1,
            burst: 1,
            ..PullLimits::default()
        })
    });
    bench.ensure(Always, Pod::new()).await.expect("the first");
    bench.events();
    let error = bench
        .ensure(Always, Pod::new())
        .await
        .expect_err("too many");
    assert_eq!(
        (error.waiting_reason(), error.waiting_message()),
        ("ErrImagePull", "pull QPS exceeded")
    );
    assert!(
        bench.events()[1].ends_with("Failed to pull image \"h.io/team/app:v1\": pull QPS exceeded")
    );
    let error = bench
        .ensure(Always, Pod::new())
        .await
        .expect_err("too soon");
    assert_eq!(
        error.waiting_reason(),
        "ImagePullBackOff",
        "it counts as a failure"
    );
    advance(Duration::from_secs(10)).await;
    bench.ensure(Always, Pod::new()).await.expect("a new token");
}

#[tokio::test(start_paused = true)]
async fn pulls_wait_for_a_place() {
    for (serialize, max_parallel, most, waited) in [
        (None, None, 1, "1s (3s including waiting)"),
        (None, Some(2), 2, "1s (2s including waiting)"),
        (Some(false), None, 3, "1s (1s including waiting)"),
    ] {
        let runtime = Runtime {
            takes: Duration::from_secs(1),
            ..Runtime::with(&[(IMAGE, None)])
        };
        let bench = Bench::with(runtime, |builder, _| {
            builder.limits(PullLimits {
                serialize,
                max_parallel,
                ..PullLimits::default()
            })
        });
        // Two who want the same image pull it twice.
        let (a, b, c) = tokio::join!(
            bench.ensure(Always, Pod::new()),
            bench.ensure(Always, Pod::new()),
            bench.ensure(Always, Pod::new()),
        );
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        assert_eq!(bench.runtime.running.lock().expect("not poisoned").1, most);
        let last = bench.events().pop().expect("events");
        assert!(last.contains(waited), "{last}");
    }
}
