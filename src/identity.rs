//! When two stored payloads are one.
//!
//! Not here: when two statements are one (`statement_digest`, in `normalise`), when two observations speak of one job (models).

use blake3::Hasher;

use crate::envelope::Envelope;
use crate::normalise::Place;
use crate::provider::Decoded;
use crate::record::{Channel, Environment, Product, Provider};

/// Identity of a payload: its digest, what identifies it outside the body (DESIGN 3), and those facts that may come from
/// outside the body, so that the order in which deliveries arrive changes nothing. What a store merely says beside a body
/// (whose it is, of which kind) makes no new payload unless it makes other facts.
///
/// A body that names no job and has no such context is one with another only if received at the same time, or, without a
/// time, found at the same place.
pub fn payload_key(
    digest: &blake3::Hash,
    envelope: &Envelope,
    place: &Place,
    decoded: &Decoded,
    partner: Option<&str>,
    environment: Option<Environment>,
) -> String {
    let mut hasher = Hasher::new();
    hasher.update(digest.as_bytes());
    let request = &envelope.request;
    let context = [
        envelope.header("Job-ID"),
        envelope.header("User-ID"),
        request.country.as_deref(),
        request.id_type.as_deref(),
        request.job_id.as_deref(),
        request.environment.as_deref(),
        partner,
        environment.map(Environment::word),
        envelope.channel.or(decoded.channel).map(Channel::word),
        decoded.provider.map(Provider::word),
        Some(decoded.kind.word()),
    ];
    for part in context {
        field(&mut hasher, part);
    }
    for stated in &decoded.statements {
        let ids = [&stated.partner_job_id, &stated.user_id, &stated.country, &stated.id_type, &stated.job_type];
        ids.into_iter().for_each(|id| field(&mut hasher, id.as_deref()));
        field(&mut hasher, stated.product.map(Product::word));
    }
    if !names_its_job(envelope, decoded) {
        match envelope.received_at {
            Some(at) => field(&mut hasher, Some(&at.0.to_string())),
            None => field(&mut hasher, Some(&format!("{}\0{}", place.source, place.index))),
        }
    }
    hasher.finalize().to_hex().to_string()
}

fn names_its_job(envelope: &Envelope, decoded: &Decoded) -> bool {
    let request = &envelope.request;
    let stated = decoded.statements.iter().any(|s| s.provider_job_id.is_some() || s.partner_job_id.is_some());
    let submitted =
        decoded.submission.as_ref().is_some_and(|s| s.provider_job_id.is_some() || s.partner_job_id.is_some());
    let authority = decoded.authority.as_ref().is_some_and(|a| a.checked_at.is_some() && a.id_type.is_some());
    let linked = decoded.receipt.as_ref().is_some_and(|r| r.job_id.is_some());
    let asked = envelope.header("Job-ID").is_some() || request.job_id.is_some();
    stated || submitted || authority || linked || asked
}

/// Adds one part to a digest so that no two lists of parts look alike.
pub fn field(hasher: &mut Hasher, part: Option<&str>) {
    match part {
        Some(text) => {
            hasher.update(&(text.len() as u64 + 1).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        None => {
            hasher.update(&0u64.to_le_bytes());
        }
    }
}
