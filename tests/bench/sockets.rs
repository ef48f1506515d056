//! The floor of a pull over plain http: bare sockets, one for each of four threads, which fetch the blobs,
//! hash them and write each into a file.
//!
//! `bench-sockets HOST:PORT REPOSITORY TAG DIRECTORY`

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Read as _, Result, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [authority, repository, tag, directory] = &args[..] else {
        let usage = "bench-sockets HOST:PORT REPOSITORY TAG DIRECTORY";
        return Err(Error::new(ErrorKind::InvalidInput, usage));
    };
    fs::create_dir_all(directory)?;
    let mut manifest = Vec::new();
    Connection::open(authority)?.get(&format!("{repository}/manifests/{tag}"), |bytes| {
        manifest.write_all(bytes)
    })?;
    let manifest: Value = serde_json::from_slice(&manifest)?;
    let layers = manifest["layers"].as_array().into_iter().flatten();
    let blobs = std::iter::once(&manifest["config"]).chain(layers);
    let digests: Vec<&str> = blobs.filter_map(|blob| blob["digest"].as_str()).collect();
    let next = AtomicUsize::new(0);
    let fetch = || {
        let mut connection = Connection::open(authority)?;
        while let Some(digest) = digests.get(next.fetch_add(1, Ordering::Relaxed)) {
            connection.blob(repository, digest, Path::new(directory))?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(fetch)).collect();
        let mut threads = threads.into_iter();
        threads.try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(broken("panicked"))))
    })
}

struct Connection {
    stream: TcpStream,
    authority: String,
    buffer: Vec<u8>,
}

impl Connection {
    fn open(authority: &str) -> Result<Self> {
        let stream = TcpStream::connect(authority)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            authority: authority.to_owned(),
            buffer: vec![0; 256 * 1024],
        })
    }

    fn blob(&mut self, repository: &str, digest: &str, directory: &Path) -> Result<()> {
        let hex = digest.trim_start_matches("sha256:");
        let mut file = File::create(directory.join(hex))?;
        let mut hasher = Sha256::new();
        self.get(&format!("{repository}/blobs/{digest}"), |bytes| {
            hasher.update(bytes);
            file.write_all(bytes)
        })?;
        let actual: String = hasher
            .finalize()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        if actual == hex {
            Ok(())
        } else {
            Err(broken("a blob does not have its digest"))
        }
    }

    fn get(&mut self, path: &str, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let authority = &self.authority;
        let request =
            format!("GET /v2/{path} HTTP/1.1\r\nhost: {authority}\r\naccept: {ACCEPT}\r\n\r\n");
        self.stream.write_all(request.as_bytes())?;
        let mut filled = 0;
        let end = loop {
            let received = &self.buffer[..filled];
            if let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            filled += self.read(filled)?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|text| text.parse().ok()).unwrap_or(0);
        if !head.starts_with("http/1.1 200") {
            return Err(broken(&head));
        }
        each(&self.buffer[end..filled])?;
        let mut left = length - (filled - end);
        while left > 0 {
            let received = self.read(0)?;
            each(&self.buffer[..received])?;
            left -= received;
        }
        Ok(())
    }

    fn read(&mut self, filled: usize) -> Result<usize> {
        match self.stream.read(&mut self.buffer[filled..])? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            received => Ok(received),
        }
    }
}

const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, */*";

fn broken(what: &str) -> Error {
    Error::other(what.to_owned())
}
