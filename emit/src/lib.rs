//! What Logwake sends out: events for people and indexes, and the values that its stages exchange.
//!
//! [`event`] is the JSON that the world reads, [`wire`] the bytes that only Logwake reads, [`kafka`]
//! puts both out in transactions,
//! [`durable`] at once for whoever waits, [`notify`] says what pagers and chats are sent, and
//! [`text`] escapes text from logs for each medium that shows it.

pub mod durable;
pub mod event;
pub mod kafka;
pub mod notify;
pub mod text;
pub mod wire;
