//! The fields of a credentials file's JSON objects.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The fields of an object, which messages call `place`. A missing field is named; serde's other
/// messages are withheld because they quote the value.
pub(crate) fn fields<T: DeserializeOwned>(place: &str, value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| {
        let message = error.to_string();
        if message.starts_with("missing field `") {
            format!("{message} in {place}")
        } else {
            format!("a field of {place} does not have the expected form")
        }
    })
}
