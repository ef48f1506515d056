//! Which credentials a pod's image is pulled with: the look-up, and one attempt after another.

mod attempt;
mod conclusion;
mod lookup;
mod pod;
mod turn;

pub use attempt::{Attempt, AttemptError, CredentialLabel};
pub use conclusion::{Conclusion, Failed, FailureContext};
pub use lookup::Lookup;
pub use pod::Pod;
pub use turn::{CredentialsError, Turn};
