//! What is known before the first record: templates that a team wrote down, and services that were
//! learned from captured logs.

use std::collections::BTreeMap;

use logwake_models::template::TemplateId;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

use super::budget::Spending;
use super::service::Service;
use super::session::Sessions;

/// Templates that a team has written down, by service: id, where it is not to follow from the text,
/// and text. Each must have passed [`logwake_models::template::Catalogue::seed`] before.
pub type Seeds = BTreeMap<String, Vec<(Option<TemplateId>, String)>>;

/// What is known before the first record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// Templates that were written down.
    pub seeds: Seeds,
    /// Services that were learned before.
    pub learned: Learned,
    /// Whether everything up to the end of the first warm-up is held to be normal: services first
    /// heard in its first half are warm with the first of all.
    pub is_begin_normal: bool,
}

/// Services as they were learned, without anything of where and when.
///
/// A service that was learned begins with its first record in the new run: one that never comes is
/// not missed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    services: BTreeMap<String, Service>,
}

impl Learned {
    /// Takes what services have learned; what still waits for records or for judgement stays out.
    pub fn of(services: &BTreeMap<String, Service>) -> Self {
        let rested = |service: &Service| Service {
            open: BTreeMap::new(),
            has_begun: false,
            pending: BTreeMap::new(),
            spending: Spending::default(),
            sessions: Sessions::learned(service.sessions.model().clone()),
            ..service.clone()
        };
        let named = services.iter().map(|(name, service)| (name.clone(), rested(service)));
        Self { services: named.collect() }
    }

    /// Returns the service of a name, beginning with its first window in this run.
    pub(super) fn begin(&self, name: &str, since: Timestamp) -> Option<Service> {
        self.services.get(name).map(|service| Service { since, ..service.clone() })
    }

    /// Returns how many services and templates there are.
    pub fn len(&self) -> (usize, usize) {
        let templates = self.services.values().map(|service| service.templates.len()).sum();
        (self.services.len(), templates)
    }
}
