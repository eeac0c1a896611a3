//! Progress: a bar on a terminal, plain lines otherwise; always on standard error.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use crate::ingest::{Progress, RejectSummary, UnreadInput};

/// Rejects that are shown one by one; the rest is counted.
const SHOWN_REJECTS: usize = 10;

/// Shows an ingest.
pub struct Shown {
    bar: Option<ProgressBar>,
    rejects: AtomicUsize,
}

impl Shown {
    /// For this terminal, or for none.
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template("{bar:24} {pos}/{len} inputs  {msg}  {elapsed}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Shown { bar, rejects: AtomicUsize::new(0) }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }
}

impl Progress for Shown {
    fn begin(&self, inputs: usize) {
        match &self.bar {
            Some(bar) => bar.set_length(inputs as u64),
            None => eprintln!("ingest: {inputs} inputs"),
        }
    }

    fn input_done(&self, _name: &str) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    fn payloads(&self, seen: u64) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{seen} payloads"));
        }
    }

    fn unread(&self, input: &UnreadInput) {
        self.line(&format!("not read: {}", input.error));
    }

    fn reject(&self, reject: &RejectSummary) {
        match self.rejects.fetch_add(1, Ordering::Relaxed) {
            n if n < SHOWN_REJECTS => {
                let RejectSummary { source, member, offset, index, reason, detail } = reject;
                let member = member.as_ref().map(|member| format!("!{member}")).unwrap_or_default();
                self.line(&format!("rejected: {source}{member} (payload {index}, byte {offset}): {reason}: {detail}"));
            }
            SHOWN_REJECTS => self.line("rejected: more of them; the table `rejects` has all"),
            _ => {}
        }
    }
}
