//! Named steps at which a test can kill the process, to prove that a mart survives it.
//!
//! `KYCMART_FAULT=STEP` or `STEP:N` kills this process (SIGKILL: nothing is cleaned up) at the N-th passing of the step;
//! `KYCMART_FAULT=list` names every step on standard error. Without the variable a step costs one look at a static. Not
//! here: what the steps are; they stand where they happen.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the environment asks for.
enum Wish {
    Nothing,
    List,
    Kill { step: String, passings: AtomicU64 },
}

static WISH: OnceLock<Wish> = OnceLock::new();

/// Passes a named step.
pub fn step(name: &str) {
    match WISH.get_or_init(|| wish(std::env::var("KYCMART_FAULT").ok().as_deref())) {
        Wish::Nothing => {}
        Wish::List => eprintln!("fault step: {name}"),
        Wish::Kill { step, passings } => {
            if step == name && passings.fetch_sub(1, Ordering::SeqCst) == 1 {
                kill();
            }
        }
    }
}

fn wish(text: Option<&str>) -> Wish {
    match text {
        None | Some("") => Wish::Nothing,
        Some("list") => Wish::List,
        Some(text) => {
            let numbered = text.rsplit_once(':').and_then(|(step, n)| Some((step, n.parse().ok()?)));
            let (step, passings) = numbered.unwrap_or((text, 1));
            Wish::Kill { step: step.to_owned(), passings: AtomicU64::new(passings) }
        }
    }
}

/// Ends the process as `kill -9` does: without unwinding, destructors or flushing.
fn kill() -> ! {
    #[cfg(unix)]
    {
        let _ = std::process::Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
    }
    std::process::abort()
}
