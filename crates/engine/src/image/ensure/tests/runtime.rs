//! A container runtime in memory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use regcred_registry::{Logins, Progress};
use secrecy::ExposeSecret as _;
use tokio::time::sleep;

use crate::credentials::AttemptError;
use crate::image::{ImageStore, ListedImage, StoredImage};

/// A runtime in memory. Every image has one login that opens it, or none.
#[derive(Default)]
pub(super) struct Runtime {
    pub(super) doors: BTreeMap<&'static str, Option<&'static str>>,
    pub(super) present: Mutex<BTreeSet<String>>,
    /// What it answers to the next pulls, instead of looking.
    pub(super) failing: Mutex<VecDeque<&'static str>>,
    pub(super) broken: bool,
    pub(super) pulls: Mutex<Vec<String>>,
    /// How long a pull takes, and how many there were at a time.
    pub(super) takes: Duration,
    pub(super) running: Mutex<(usize, usize)>,
}

impl Runtime {
    pub(super) fn with(doors: &[(&'static str, Option<&'static str>)]) -> Self {
        Self {
            doors: doors.iter().copied().collect(),
            ..Self::default()
        }
    }

    pub(super) fn pulls(&self) -> Vec<String> {
        self.pulls.lock().expect("not poisoned").clone()
    }

    pub(super) fn preload(&self, image: &str) {
        self.present
            .lock()
            .expect("not poisoned")
            .insert(image.to_owned());
    }
}

/// An image of the runtime.
#[derive(Clone, Debug)]
pub(super) struct RuntimeImage(pub(super) String);

impl StoredImage for RuntimeImage {
    fn image_ref(&self) -> String {
        format!("id of {}", self.0)
    }

    fn size(&self) -> u64 {
        42
    }
}

impl ImageStore for Arc<Runtime> {
    type Image = RuntimeImage;

    async fn find(&self, image: &str) -> Result<Option<RuntimeImage>, AttemptError> {
        if self.broken {
            return Err(AttemptError::text("runtime is down"));
        }
        let present = self.present.lock().expect("not poisoned");
        Ok(present
            .contains(image)
            .then(|| RuntimeImage(image.to_owned())))
    }

    async fn pull(
        &self,
        image: &str,
        logins: &Logins,
        _progress: &dyn Progress,
    ) -> Result<RuntimeImage, AttemptError> {
        {
            let mut running = self.running.lock().expect("not poisoned");
            running.0 += 1;
            running.1 = running.1.max(running.0);
        }
        sleep(self.takes).await;
        self.running.lock().expect("not poisoned").0 -= 1;
        let login = logins
            .image()
            .map(|l| format!("{}:{}", l.username, l.password.expose_secret()));
        let shown = login.as_deref().unwrap_or("anonymous");
        let mut pulls = self.pulls.lock().expect("not poisoned");
        pulls.push(format!("{image} {shown}"));
        if let Some(text) = self.failing.lock().expect("not poisoned").pop_front() {
            return Err(AttemptError::text(text));
        }
        match self.doors.get(image) {
            None => Err(AttemptError::text(format!("{image}: not found"))),
            Some(Some(door)) if login.as_deref() != Some(door) => {
                Err(AttemptError::text(format!("{image}: access denied")))
            }
            Some(_) => {
                self.preload(image);
                Ok(RuntimeImage(image.to_owned()))
            }
        }
    }

    async fn images(&self) -> Result<Vec<ListedImage>, AttemptError> {
        let present = self.present.lock().expect("not poisoned");
        let listed = present.iter().map(|image| ListedImage {
            image_ref: format!("id of {image}"),
            names: vec![image.clone()],
        });
        Ok(listed.collect())
    }
}
