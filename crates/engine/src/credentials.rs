//! Which credentials a pod's image is pulled with: the look-up, and one attempt after another.

mod attempt;
mod conclusion;
mod lookup;
mod pod;
mod turn;

pub use attempt::{Attempt, AttemptError, CredentialLabel};
pub(crate) use conclusion::FailureContext;
pub use conclusion::{Conclusion, Failed};
pub use lookup::Lookup;
pub use pod::Pod;
pub use turn::{CredentialsError, Turn};
