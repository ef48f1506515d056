//! The fields of a credentials file's JSON objects.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The value without the fields that are null or an empty text, at any depth. Google's libraries
/// for Go take these for missing, and Go's encoder writes them for what a program did not set.
pub(crate) fn without_empty_fields(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields
                .into_iter()
                .filter(|(_, value)| !value.is_null() && value.as_str() != Some(""))
                .map(|(name, value)| (name, without_empty_fields(value)));
            Value::Object(fields.collect())
        }
        value => value,
    }
}

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
