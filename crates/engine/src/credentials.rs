//! Which credentials a pod's image is pulled with: the look-up, and one attempt after the other.

mod lookup;
mod pod;
mod turn;

pub use lookup::Lookup;
pub use pod::Pod;
pub use turn::{Attempt, Login};
pub(crate) use turn::{Refusal, Try, Turn, in_turn, same_login_before};
