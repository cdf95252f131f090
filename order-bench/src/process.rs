//! What the kernel counts of processes: see proc(5).

use std::{fs, time::Duration};

use crate::Failed;

/// The kernel counts in hundredths of a second, on every architecture that Rust's standard library supports with Linux.
const TICKS_PER_SECOND: u64 = 100;

/// Whether the time of children that have ended counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Children {
    /// It does.
    Ended,
    /// Only that of the process itself.
    None,
}

/// Processor time of a process, in user mode and in the kernel.
pub(crate) fn processor_time(process: u32, children: Children) -> Result<Duration, Failed> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields = fields(&stat)?;
    let ticks = |at: usize| -> Result<u64, Failed> { Ok(fields.get(at).ok_or("a short line")?.parse()?) };
    // utime, stime, cutime and cstime are the fields 14 to 17; the first two stand before these.
    let mut sum = ticks(11)? + ticks(12)?;
    if children == Children::Ended {
        sum += ticks(13)? + ticks(14)?;
    }
    Ok(Duration::from_millis(sum * 1000 / TICKS_PER_SECOND))
}

/// The children of a process.
pub(crate) fn children(of: u32) -> Result<Vec<u32>, Failed> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(process) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else { continue };
        if fields(&stat)?.get(1) == Some(&of.to_string().as_str()) {
            found.push(process);
        }
    }
    Ok(found)
}

/// What follows the name in parentheses, which may hold anything.
fn fields(stat: &str) -> Result<Vec<&str>, Failed> {
    let (_, rest) = stat.rsplit_once(')').ok_or("a line without a name")?;
    Ok(rest.split_whitespace().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_is_skipped() {
        assert_eq!(fields("42 (a) b) c) S 1 2").unwrap(), ["S", "1", "2"]);
    }

    #[test]
    fn this_process_has_used_time_and_is_a_child() {
        let own = std::process::id();
        let mut n = 0_u64;
        while processor_time(own, Children::None).unwrap() == Duration::ZERO {
            n = std::hint::black_box(n + 1);
        }
        let stat = fs::read_to_string("/proc/self/stat").unwrap();
        let parent = fields(&stat).unwrap()[1].parse().unwrap();
        assert!(children(parent).unwrap().contains(&own));
    }
}
