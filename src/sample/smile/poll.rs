//! `job_status` answers: what a company reads when it asks for a job's result.

use super::super::event::Event;
use super::super::fields::{Fields, array};
use super::super::world::World;
use super::{Job, sign};
use crate::record::{Kind, Provider};

/// The forms that `result` takes while there is none.
const NO_RESULT: [Option<&str>; 7] = [
    None,
    Some("null"),
    Some("{}"),
    Some("[]"),
    Some("\"No zip uploaded yet\""),
    Some("\"No zip file received\""),
    Some("\"Zip file failed\""),
];

/// An answer that comes too early: the job is not complete.
pub fn pending(world: &mut World, job: &Job, at: i64) -> Event {
    let result = world.random.pick(&NO_RESULT);
    let fields = Fields::new().raw("job_complete", "false").raw("job_success", "false").text("code", "2302");
    let fields = match result {
        Some(json) => fields.raw("result", json),
        None => fields,
    };
    let fields = if world.random.chance(300) { fields.raw("history", "[]") } else { fields };
    let body = sign(world, fields, job.partner(), at).0.end();
    let event =
        Event::json(Provider::SmileId, Kind::JobStatus, "smile.job_status.pending", at, body).outcome("pending");
    job.context(event, "job_status", true)
}

/// An answer with a result, before it is signed: asked for again, it differs in its time stamp and signatures only.
pub struct Answer {
    fields: Fields,
    outcome: &'static str,
}

/// What is answered. `results` are the job's results, the newest first: it becomes `result`, and all of them `history`
/// where it is asked for.
pub fn answer(world: &mut World, job: &Job, results: &[String], outcome: &'static str) -> Answer {
    let complete = outcome != "review" || world.random.chance(500);
    let fields = Fields::new()
        .raw("job_complete", if complete { "true" } else { "false" })
        .raw("job_success", if outcome == "passed" { "true" } else { "false" })
        .text("code", "2302")
        .raw("result", &results[0]);
    let fields = if world.random.chance(700) { fields.raw("history", &array(results)) } else { fields };
    let fields = if world.random.chance(300) { fields.raw("image_links", &image_links(world, job)) } else { fields };
    Answer { fields, outcome: if complete { outcome } else { "pending" } }
}

impl Answer {
    /// The answer at an instant.
    pub fn event(&self, world: &mut World, job: &Job, at: i64) -> Event {
        let (fields, query) = sign(world, self.fields.clone(), job.partner(), at);
        let environment = if job.sandbox { "&environment=test" } else { "" };
        let receipt = format!("{}?{query}{environment}", job.receipt());
        let body = fields.text("kyc_receipt", &receipt).end();
        let event = Event::json(Provider::SmileId, Kind::JobStatus, "smile.job_status.complete", at, body)
            .outcome(self.outcome);
        job.context(event, "job_status", true)
    }
}

/// Links to images: the folder tells the environment and the partner.
pub fn image_links(world: &mut World, job: &Job) -> String {
    if world.random.chance(60) {
        return String::from("{\"error\":\"Images are no longer available\"}");
    }
    let environment = if job.sandbox { "test" } else { "production" };
    let partner = job.partner();
    let folder = format!("{partner}-{}-{}", job.smile_id, world.random.hex(28));
    let link = format!("https://smile-results.example/{environment}/000000/{partner}/{folder}/SID_Preview_Full.jpg");
    Fields::new().text("selfie_image", &link).end()
}
