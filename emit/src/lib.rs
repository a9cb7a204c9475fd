//! What Logwake sends out: events for people and indexes, and the values that its stages exchange.
//!
//! [`event`] is the JSON that the world reads, [`wire`] the bytes that only Logwake reads, [`kafka`]
//! puts both out in transactions, [`notify`] says what pagers and chats are sent.

pub mod event;
pub mod kafka;
pub mod notify;
pub mod wire;
