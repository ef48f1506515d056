//! HTTP/2 over the socket, and which service a call is for.

use std::convert::Infallible;
use std::os::unix::net::UnixListener as StdListener;
use std::path::Path;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use regcred_cri::runtime::image_service_server::ImageServiceServer;
use regcred_cri::runtime::runtime_service_server::RuntimeServiceServer;
use tokio::net::UnixListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tonic::codegen::Service;

use super::images::Images;

/// The thread that serves the socket. Dropping it ends it and its connections.
pub(super) struct Listener {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Listener {
    pub(super) fn start(socket: &Path, images: Images) -> Self {
        // That of an earlier runtime in this directory.
        let _ = std::fs::remove_file(socket);
        let listener = StdListener::bind(socket).expect("a socket");
        listener.set_nonblocking(true).expect("a socket option");
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let listener = UnixListener::from_std(listener).expect("a listening socket");
                tokio::select! {
                    () = serve(listener, images) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: UnixListener, images: Images) {
    let image_service = ImageServiceServer::new(images.clone());
    let runtime_service = RuntimeServiceServer::new(images);
    while let Ok((stream, _)) = listener.accept().await {
        let (images, runtime) = (image_service.clone(), runtime_service.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let (mut images, mut runtime) = (images.clone(), runtime.clone());
            async move {
                let answer = if request
                    .uri()
                    .path()
                    .starts_with("/runtime.v1.RuntimeService/")
                {
                    runtime.call(request).await
                } else {
                    // Of another service it does not have the method, as containerd without it.
                    images.call(request).await
                };
                Ok::<_, Infallible>(answer.unwrap_or_else(|never| match never {}))
            }
        });
        tokio::spawn(async move {
            let connection = http2::Builder::new(TokioExecutor::new());
            // A client that goes away is nothing to report.
            let _ = connection
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
