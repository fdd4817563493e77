//! How are files written? Whole, or not at all, and never over what is read.
//!
//! A file is written under another name beside its place, and takes its name when the whole answer is known. Devices and
//! pipes, such as `/dev/stdout`, cannot be renamed: they are written at that moment.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Nothing is written over what is read, nor twice to one file.
///
/// # Errors
///
/// [`Error::SameFile`].
pub fn distinct<'a>(read: &[PathBuf], written: impl Iterator<Item = &'a PathBuf>) -> Result<(), Error> {
    let mut seen: Vec<Identity> = read.iter().filter_map(|path| Identity::of(path)).collect();
    for path in written {
        let Some(identity) = Identity::of(path) else { continue };
        if seen.contains(&identity) {
            return Err(Error::SameFile { path: path.clone() });
        }
        seen.push(identity);
    }
    Ok(())
}

/// What makes two paths the same file.
#[derive(Debug, PartialEq, Eq)]
enum Identity {
    /// Device and inode: a hard link has another name and is the same file.
    #[cfg(unix)]
    Inode(u64, u64),
    /// The path without links and detours, where there is nothing better, or no file yet.
    Path(PathBuf),
}

impl Identity {
    /// `None` for a device or a pipe: it may be named as often as one likes.
    fn of(path: &Path) -> Option<Identity> {
        let Ok(metadata) = path.metadata() else { return Some(Identity::Path(place(path))) };
        if !metadata.is_file() {
            return None;
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Some(Identity::Inode(metadata.dev(), metadata.ino()))
        }
        #[cfg(not(unix))]
        Some(Identity::Path(place(path)))
    }
}

/// Where a file of this name is, or would be.
fn place(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// A file that is to be written. Until it [`appears`](Output::appear), nothing is seen of it.
#[derive(Debug)]
pub struct Output {
    /// As the user named it.
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The file's real place, and what is written beside it.
    File { place: PathBuf, temporary: PathBuf },
    /// A device or a pipe, and what will be written to it.
    Stream { stream: File, bytes: Vec<u8> },
}

/// Opens `path` for writing.
///
/// # Errors
///
/// [`Error::Write`], if nothing can be written there.
pub fn create(path: PathBuf) -> Result<Output, Error> {
    match open(&path) {
        Ok(kind) => Ok(Output { path, kind }),
        Err(error) => Err(Error::Write { path, error }),
    }
}

fn open(path: &Path) -> io::Result<Kind> {
    let there = path.metadata();
    // `/dev/stdout` may lead to a file, which is not ours to replace.
    if path.starts_with("/dev") || there.as_ref().is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        let stream = OpenOptions::new().append(true).open(path)?;
        return Ok(Kind::Stream { stream, bytes: Vec::new() });
    }
    let place = place(path);
    let name = match place.file_name() {
        Some(name) if !there.as_ref().is_ok_and(fs::Metadata::is_dir) => name,
        _ => return Err(io::ErrorKind::IsADirectory.into()),
    };
    if there.is_ok() {
        // Renaming would ask the folder alone.
        OpenOptions::new().append(true).open(&place).map(drop)?;
    }
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.part", std::process::id()));
    let temporary = place.with_file_name(hidden);
    let file = File::create(&temporary)?;
    if let Ok(there) = there {
        file.set_permissions(there.permissions())?;
    }
    Ok(Kind::File { place, temporary })
}

impl Output {
    /// Writes the whole content, which is not seen yet.
    ///
    /// # Errors
    ///
    /// [`Error::Write`].
    pub fn write(&mut self, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
        let written = match &mut self.kind {
            Kind::Stream { bytes, .. } => content(bytes),
            Kind::File { temporary, .. } => File::create(temporary).and_then(|file| {
                let mut out = BufWriter::new(file);
                content(&mut out).and_then(|()| out.flush())
            }),
        };
        written.map_err(|error| Error::Write { path: self.path.clone(), error })
    }

    /// The file gets its name; what was there before is gone.
    ///
    /// # Errors
    ///
    /// [`Error::Write`].
    pub fn appear(mut self) -> Result<(), Error> {
        let done = match &mut self.kind {
            Kind::Stream { stream, bytes } => stream.write_all(bytes).and_then(|()| stream.flush()),
            Kind::File { place, temporary } => fs::rename(temporary, place),
        };
        done.map_err(|error| Error::Write { path: self.path.clone(), error })
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Kind::File { temporary, .. } = &self.kind {
            // After `appear` there is none.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// All files appear, those that may fail first.
///
/// # Errors
///
/// [`Error::Write`].
pub fn appear(outputs: impl IntoIterator<Item = Output>) -> Result<(), Error> {
    let mut outputs: Vec<Output> = outputs.into_iter().collect();
    outputs.sort_by_key(|output| matches!(output.kind, Kind::File { .. }));
    outputs.into_iter().try_for_each(Output::appear)
}
