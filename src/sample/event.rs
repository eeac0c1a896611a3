//! One stored payload on its way into the archive, and what the generator knows about it.

use crate::record::{Kind, Provider};

/// What sort of payload was written: the generator's own account of it, to check a reader against.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    /// `None` for payloads of nobody that kycmart knows.
    pub provider: Option<Provider>,
    pub kind: Kind,
    /// The generator's name for the shape.
    pub name: &'static str,
    /// The outcome that the payload states by DESIGN 4; `None` where it states none.
    pub outcome: Option<&'static str>,
}

/// The bytes of a payload.
#[derive(Clone)]
pub enum Body {
    Json(String),
    Form(String),
}

/// One payload, when it came and with what context.
#[derive(Clone)]
pub struct Event {
    /// When the provider sent it, microseconds.
    pub at: i64,
    pub shape: Shape,
    pub body: Body,
    pub headers: Vec<(&'static str, String)>,
    /// The request that it answers, a JSON object.
    pub request: Option<String>,
    pub remote_ip: Option<String>,
}

impl Event {
    /// A JSON payload.
    pub fn json(provider: Provider, kind: Kind, name: &'static str, at: i64, body: String) -> Self {
        let shape = Shape { provider: Some(provider), kind, name, outcome: None };
        Event { at, shape, body: Body::Json(body), headers: Vec::new(), request: None, remote_ip: None }
    }

    /// The outcome that it states.
    pub fn outcome(mut self, outcome: &'static str) -> Self {
        self.shape.outcome = Some(outcome);
        self
    }

    /// The request that it answers.
    pub fn request(mut self, request: String) -> Self {
        self.request = Some(request);
        self
    }

    /// Whether nothing is lost when only the body is kept.
    pub fn stands_alone(&self) -> bool {
        self.headers.is_empty() && self.request.is_none()
    }

    /// The text of the body.
    pub fn text(&self) -> &str {
        match &self.body {
            Body::Json(text) | Body::Form(text) => text,
        }
    }
}
