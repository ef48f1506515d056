//! Every fake cloud by the name of its provider: the one list of the tests that a new cloud is added to.

use crate::acr::AcrCloud;
use crate::cloud::Cloud;
use crate::ecr::EcrCloud;
use crate::generic::GenericCloud;
use crate::icr::IcrCloud;
use crate::{FakeGceMetadata, FakeOci};

/// Starts a fake cloud.
pub type Start = fn() -> Box<dyn Cloud>;

/// The providers' names and their clouds.
pub const CLOUDS: &[(&str, Start)] = &[
    ("ecr", || Box::new(EcrCloud::start())),
    ("gcr", || Box::new(FakeGceMetadata::start())),
    ("acr", || Box::new(AcrCloud::start())),
    ("icr", || Box::new(IcrCloud::start())),
    ("ocir", || Box::new(FakeOci::start())),
    ("generic", || Box::new(GenericCloud::start())),
];

/// Starts the cloud of that provider.
///
/// # Panics
/// When it has no line in [`CLOUDS`].
#[must_use]
pub fn start(provider: &str) -> Box<dyn Cloud> {
    let found = CLOUDS.iter().find(|(name, _)| *name == provider);
    let (_, start) = found.unwrap_or_else(|| panic!("{provider} has no line in CLOUDS"));
    start()
}
