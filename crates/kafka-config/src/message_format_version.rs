//! The names of `message.format.version`: a Kafka release, as 0.10.2 or 2.8.1, or a step on the way
//! to one, as 0.10.2-IV0.

use milena_records::legacy::MessageFormat;

/// Releases with the number of their steps; a release's own name is its last step.
const STEPS: [(&str, u8); 29] = [
    ("0.10.0", 2),
    ("0.10.1", 3),
    ("0.10.2", 1),
    ("0.11.0", 3),
    ("1.0", 1),
    ("1.1", 1),
    ("2.0", 2),
    ("2.1", 3),
    ("2.2", 2),
    ("2.3", 2),
    ("2.4", 2),
    ("2.5", 1),
    ("2.6", 1),
    ("2.7", 3),
    ("2.8", 2),
    ("3.0", 2),
    ("3.1", 1),
    ("3.2", 1),
    ("3.3", 4),
    ("3.4", 1),
    ("3.5", 3),
    ("3.6", 3),
    ("3.7", 5),
    ("3.8", 1),
    ("3.9", 1),
    // Before there were steps.
    ("0.8.0", 0),
    ("0.8.1", 0),
    ("0.8.2", 0),
    ("0.9.0", 0),
];

/// Whether `value` names a release up to `newest`.
pub(crate) fn is_known(value: &str, newest: (u32, u32)) -> bool {
    let (release, step) = release_and_step(value);
    STEPS.iter().any(|(name, steps)| {
        *name == release
            && numbers(name) <= vec![newest.0, newest.1]
            && step.is_none_or(|step| (0..*steps).any(|known| step == format!("IV{known}")))
    })
}

/// The format that a release stored; `None` for batches (0.11 and later).
pub(crate) fn old_format(value: &str) -> Option<MessageFormat> {
    let numbers = numbers(&release_and_step(value).0);
    if numbers < vec![0, 10] {
        Some(MessageFormat::Magic0)
    } else if numbers < vec![0, 11] {
        Some(MessageFormat::Magic1)
    } else {
        None
    }
}

/// A release is named by two parts, before 1.0 by three; later parts are ignored.
fn release_and_step(value: &str) -> (String, Option<&str>) {
    let parts = if value.starts_with("0.") { 3 } else { 2 };
    let (release, step) =
        value.split_once('-').map_or((value, None), |(release, step)| (release, Some(step)));
    (release.split('.').take(parts).collect::<Vec<_>>().join("."), step)
}

fn numbers(release: &str) -> Vec<u32> {
    release.split('.').map_while(|part| part.parse().ok()).collect()
}
