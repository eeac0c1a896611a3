//! What is known about a payload beside its body: headers, the request it answers, when and from where it was received.
//!
//! A store that keeps bare bodies has an empty envelope; nothing here is needed to decode, everything is needed to
//! attribute (v3 jobs are named in headers, `id_status` answers by their request).

use crate::record::{Channel, Environment, Kind, Micros, Provider};

/// The context of one payload. Configuration of the source fills what the store does not know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Envelope {
    /// When the store received it.
    pub received_at: Option<Micros>,
    /// Whose it is, as the store or the command line says; content decides where this is `None`.
    pub provider: Option<Provider>,
    /// What sort of message it is, as the store says.
    pub kind: Option<Kind>,
    /// Address of the sender.
    pub remote_ip: Option<String>,
    /// HTTP headers, names as sent.
    pub headers: Vec<(String, String)>,
    /// The request that the payload answers.
    pub request: Request,
    /// Account at the provider, from configuration.
    pub partner: Option<String>,
    /// Environment, from configuration.
    pub environment: Option<Environment>,
    /// Channel, from configuration.
    pub channel: Option<Channel>,
}

/// The parts of a request that its answer lacks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    pub url: Option<String>,
    pub country: Option<String>,
    pub id_type: Option<String>,
    pub partner_id: Option<String>,
    pub environment: Option<String>,
    pub job_id: Option<String>,
    pub user_id: Option<String>,
    pub job_type: Option<String>,
    /// What the request says of a person (names, numbers, dates): kept only to recognise it elsewhere.
    pub personal: Vec<String>,
}

impl Envelope {
    /// A header by name, without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}
