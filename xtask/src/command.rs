//! Running other programs.

use std::{
    env,
    ffi::OsString,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

/// Why a task failed.
pub(crate) enum Failure {
    /// The program has printed its error.
    Reported,
    Io(io::Error),
}

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask stands in the workspace")
}

/// The target directory, of the workspaces of `sim` too.
pub(crate) fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// cargo, in the workspace's root.
pub(crate) fn cargo() -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(root());
    // Cargo has set these for this program, not for the next.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end; fails if it does.
pub(crate) fn succeed(command: &mut Command) -> Result<(), Failure> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|e| io::Error::new(e.kind(), format!("{shown}: {e}")))?;
    if status.success() { Ok(()) } else { Err(Failure::Reported) }
}

/// Runs a command, its two outputs as one; prints what `shown` makes of each line. Returns all
/// lines.
pub(crate) fn read_lines(
    command: &mut Command,
    shown: impl Fn(&str) -> Option<String>,
) -> io::Result<(Vec<String>, ExitStatus)> {
    let (reader, writer) = io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn()?;
    // The end comes when only the child's ends are left, and then none.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut lines = Vec::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        if let Some(text) = shown(&line) {
            println!("{text}");
        }
        lines.push(line);
    }
    Ok((lines, child.wait()?))
}

/// Whether a program can be started.
pub(crate) fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
