//! A link on which each connection has its own limit, as to a registry far away: a relay in this process.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// Relays connections to a server, each at [`BYTES_PER_SECOND`] from the server and [`ROUND_TRIP`] late.
pub(crate) struct ShapedLink {
    authority: String,
}

impl ShapedLink {
    /// A link to `HOST:PORT`. Its threads end with the process.
    pub(crate) fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let authority = listener.local_addr().expect("an address").to_string();
        let server = server.to_owned();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = server.clone();
                thread::spawn(move || relay(&client, &server));
            }
        });
        Self { authority }
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }
}

/// Until one side ends the connection.
fn relay(client: &TcpStream, server: &str) -> io::Result<()> {
    thread::sleep(ROUND_TRIP);
    let server = TcpStream::connect(server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    thread::scope(|both| {
        both.spawn(|| copy(client, &server, |_| thread::sleep(ROUND_TRIP)));
        let mut free = Instant::now();
        copy(&server, client, |bytes| {
            let seconds = bytes as f64 / BYTES_PER_SECOND;
            free = free.max(Instant::now()) + Duration::from_secs_f64(seconds);
            thread::sleep(free.saturating_duration_since(Instant::now()));
        });
    });
    Ok(())
}

fn copy(mut from: &TcpStream, mut to: &TcpStream, mut before_each: impl FnMut(usize)) {
    let mut buffer = vec![0; 32 * 1024];
    while let Ok(bytes @ 1..) = from.read(&mut buffer) {
        before_each(bytes);
        if to.write_all(&buffer[..bytes]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// 100 Mbit/s.
const BYTES_PER_SECOND: f64 = 12.5e6;
const ROUND_TRIP: Duration = Duration::from_millis(20);
