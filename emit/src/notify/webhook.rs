//! Generic webhooks: the event itself, or what a template makes of it.
//!
//! A template is Jinja whose values are written as JSON: `{{ title }}` is a quoted string, so text
//! from logs cannot break out of it.

use std::sync::Arc;

use logwake_detector::time::Timestamp;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};
use serde_json::{Value, json};

use super::message::Message;

/// The name decides how values are written.
const NAME: &str = "body.json";

/// A template for the body of a webhook.
#[derive(Clone, Debug)]
pub struct Template(Arc<Environment<'static>>);

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It is none, or asks for what is not there.
    #[error("{0}")]
    Jinja(#[from] minijinja::Error),
    /// What it makes is no JSON.
    #[error("the template does not make JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Template {
    /// Compiles a template.
    ///
    /// # Errors
    /// Where it is not one.
    pub fn new(text: &str) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.add_template_owned(NAME, text.to_owned())?;
        Ok(Self(Arc::new(environment)))
    }

    pub(super) fn render(&self, message: &Message<'_>) -> Result<Vec<u8>, TemplateError> {
        let text = self.0.get_template(NAME)?.render(context! {
            dedup_key => message.dedup_key.as_str(),
            state => message.state,
            severity => message.severity.as_str(),
            title => message.title.as_str(),
            services => Serde(&message.services),
            lines => message.lines(),
            link => Serde(&message.link),
            event => Serde(&message.event),
            digest => Serde(message.digest),
        })?;
        serde_json::from_str::<serde::de::IgnoredAny>(&text)?;
        Ok(text.into_bytes())
    }
}

/// The event of a digest, for receivers of plain events.
pub(super) fn digest(message: &Message<'_>, now: Timestamp) -> Value {
    json!({
        "@timestamp": crate::event::rfc3339(now),
        "event": { "kind": "alert", "dataset": "logwake.digest", "module": "logwake" },
        "message": message.title,
        "logwake": { "digest": {
            "id": message.dedup_key,
            "state": message.state,
            "severity": message.severity.as_str(),
            "services": message.services,
            "alerts": message.digest.map(|digest| digest.open.keys().collect::<Vec<_>>()),
            "total": message.digest.map(|digest| digest.total),
            "lines": message.lines(),
        } },
    })
}
