//! From a fragmented file to one with its index at the front.

use std::path::Path;
use std::process::Stdio;

use tokio::fs;
use tokio::process::Command;

/// Rewrites the file with `ffmpeg`, without touching its frames. The file is
/// replaced once the new one is whole.
///
/// # Errors
/// In words; the file is as it was.
pub(super) async fn faststart(ffmpeg: &Path, path: &Path) -> Result<(), String> {
    let new = path.with_extension("new.mp4");
    let mut command = Command::new(ffmpeg);
    command
        .args(["-hide_banner", "-nostdin", "-loglevel", "error", "-y", "-i"])
        .arg(path)
        .args([
            "-map",
            "0",
            "-c",
            "copy",
            "-movflags",
            "+faststart",
            "-strict",
            "-2",
        ])
        .arg(&new)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let output = command.output().await.map_err(|error| {
        format!(
            "cannot run {} to make files that start fast: {error}; install ffmpeg, name it in broadcast.ffmpeg, or set record.faststart = false",
            ffmpeg.display()
        )
    })?;
    if !output.status.success() {
        let _ = fs::remove_file(&new).await;
        let log = String::from_utf8_lossy(&output.stderr);
        let last = log.lines().last().unwrap_or("no reason").to_owned();
        return Err(format!(
            "ffmpeg could not rewrite {}: {last}",
            path.display()
        ));
    }
    let moved = fs::rename(&new, path).await;
    moved.map_err(|error| format!("cannot replace {}: {error}", path.display()))
}
