//! Go writes an empty list or map as `null`.

use serde::{Deserialize, Deserializer};

/// For `deserialize_with`: `null` is the type's default.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
