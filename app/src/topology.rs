//! The file of what services depend on: TOML, `shop = ["cart", "payments"]`, a line a service.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use logwake_detector::alert::Topology;

use crate::config::Config;

/// Reads the file that a configuration names; nothing is known where it names none.
///
/// # Errors
/// Where it cannot be read or is not such a file.
pub fn topology_of(config: &Config) -> anyhow::Result<Arc<Topology>> {
    let Some(path) = &config.alerts.topology else { return Ok(Arc::default()) };
    let name = || format!("read what services depend on from {path}");
    let text = std::fs::read_to_string(path).with_context(name)?;
    let direct: BTreeMap<String, Vec<String>> = toml::from_str(&text).with_context(name)?;
    Ok(Arc::new(Topology::new(&direct)))
}
