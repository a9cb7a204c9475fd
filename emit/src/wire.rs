//! The bytes that only Logwake reads: tallies, findings and state, as postcard behind one byte of
//! version.
//!
//! A value of another version is refused, never guessed at: postcard does not describe itself.
//! Bytes that are left over after a value are an error too.
//! Raise the version of a value with any change of its types, and no other: whoever upgrades keeps
//! what did not change, and does without the rest.

pub mod snapshot;

use std::ops::RangeInclusive;

use logwake_detector::alert::AlertInput;
use logwake_detector::tally::TallyBatch;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::kafka::OutMessage;

/// Version of [`TallyBatch`] on the wire.
pub const TALLY_VERSION: u8 = 5;
/// Version of [`AlertInput`] on the wire.
pub const ALERT_INPUT_VERSION: u8 = 5;
/// Version of a state that carries its outputs; 1 was a state alone.
pub const OUTPUTS_VERSION: u8 = 3;
/// Version of the state of a tally machine and its decoder.
pub const TALLY_STATE_VERSION: u8 = 7;
/// Version of the state of a detect machine, and of a file of learned services.
pub const DETECT_STATE_VERSION: u8 = 8;
/// Version of the state of an alert machine.
pub const ALERT_STATE_VERSION: u8 = 7;
/// Version of the state of a notify machine.
pub const NOTIFY_STATE_VERSION: u8 = 7;
/// Version of the state of an intake.
pub const INTAKE_STATE_VERSION: u8 = 1;

/// Why bytes could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Not even a version.
    #[error("{what} has 0 bytes, a version byte is the least")]
    Empty {
        /// Name of the value.
        what: &'static str,
    },
    /// Written by another version.
    #[error("{what} has version {found}, this program reads {} to {}", .bound.start(), .bound.end())]
    Version {
        /// Name of the value.
        what: &'static str,
        /// The version byte.
        found: u8,
        /// Versions that can be read.
        bound: RangeInclusive<u8>,
    },
    /// Not what the version promises.
    #[error("{what} of version {version} cannot be decoded from {bytes} bytes")]
    Malformed {
        /// Name of the value.
        what: &'static str,
        /// The version byte.
        version: u8,
        /// Length with the version byte.
        bytes: usize,
        /// What postcard found.
        source: postcard::Error,
    },
    /// More than the value.
    #[error("{what} of version {version} ends {left} bytes before its {bytes} bytes do")]
    Trailing {
        /// Name of the value.
        what: &'static str,
        /// The version byte.
        version: u8,
        /// Length with the version byte.
        bytes: usize,
        /// Bytes after the value.
        left: usize,
    },
}

/// Encodes a value behind its version.
///
/// # Panics
///
/// Where the value has a sequence of unknown length, which no type on the wire has.
pub fn encode<T: Serialize>(version: u8, value: &T) -> Vec<u8> {
    postcard::to_extend(value, vec![version]).expect("types on the wire know their lengths")
}

/// Decodes a value of exactly `version`; `what` names it in errors.
///
/// # Errors
///
/// See [`WireError`].
pub fn decode<T: DeserializeOwned>(
    what: &'static str,
    version: u8,
    bytes: &[u8],
) -> Result<T, WireError> {
    let (&found, rest) = bytes.split_first().ok_or(WireError::Empty { what })?;
    if found != version {
        return Err(WireError::Version { what, found, bound: version..=version });
    }
    let bytes = bytes.len();
    match postcard::take_from_bytes(rest) {
        Ok((value, [])) => Ok(value),
        Ok((_, left)) => Err(WireError::Trailing { what, version, bytes, left: left.len() }),
        Err(source) => Err(WireError::Malformed { what, version, bytes, source }),
    }
}

/// Encodes a batch of tallies.
pub fn encode_tally(batch: &TallyBatch) -> Vec<u8> {
    encode(TALLY_VERSION, batch)
}

/// Decodes a batch of tallies.
///
/// # Errors
///
/// See [`WireError`].
pub fn decode_tally(bytes: &[u8]) -> Result<TallyBatch, WireError> {
    decode("tally", TALLY_VERSION, bytes)
}

/// Encodes an input of the alert stage.
pub fn encode_alert_input(input: &AlertInput) -> Vec<u8> {
    encode(ALERT_INPUT_VERSION, input)
}

/// Decodes an input of the alert stage.
///
/// # Errors
///
/// See [`WireError`].
pub fn decode_alert_input(bytes: &[u8]) -> Result<AlertInput, WireError> {
    decode("input of the alert stage", ALERT_INPUT_VERSION, bytes)
}

/// Encodes a state with the outputs that it has put out and that may not have arrived yet.
///
/// # Panics
///
/// As [`encode`].
pub fn encode_outputs(outputs: &[OutMessage], state: &[u8]) -> Vec<u8> {
    encode(OUTPUTS_VERSION, &(outputs, state))
}

/// Decodes a state and its outputs.
///
/// # Errors
///
/// See [`WireError`].
pub fn decode_outputs(bytes: &[u8]) -> Result<(Vec<OutMessage>, Vec<u8>), WireError> {
    decode("state with outputs", OUTPUTS_VERSION, bytes)
}

#[cfg(test)]
mod tests;
