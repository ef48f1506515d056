//! The first bytes of a program, which decide how it is started.

/// How the kernel starts a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ProgramHeader {
    /// A compiled program.
    Elf {
        /// As in ELF's `e_machine`.
        machine: u16,
        /// The path of its dynamic loader; `None` for a static program.
        loader: Option<String>,
    },
    /// A script: the text after `#!` of its first line.
    Script(String),
    /// Neither.
    Unknown,
}

impl ProgramHeader {
    /// Reads the first bytes of a program. A loader beyond them is not found.
    pub(super) fn of(bytes: &[u8]) -> Self {
        if let Some(rest) = bytes.strip_prefix(b"#!") {
            let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
            return Self::Script(String::from_utf8_lossy(line).into_owned());
        }
        elf(bytes).unwrap_or(Self::Unknown)
    }
}

fn elf(bytes: &[u8]) -> Option<ProgramHeader> {
    if !bytes.starts_with(b"\x7fELF") {
        return None;
    }
    let (wide, little) = (bytes.get(4)? == &2, bytes.get(5)? == &1);
    let number = |at: usize, length: usize| -> Option<usize> {
        let found = bytes.get(at..at.checked_add(length)?)?;
        let add = |sum: usize, byte: &u8| sum << 8 | usize::from(*byte);
        Some(if little {
            found.iter().rev().fold(0, add)
        } else {
            found.iter().fold(0, add)
        })
    };
    let machine = u16::try_from(number(18, 2)?).ok()?;
    let (table, size, count) = if wide {
        (number(32, 8)?, number(54, 2)?, number(56, 2)?)
    } else {
        (number(28, 4)?, number(42, 2)?, number(44, 2)?)
    };
    let segments = (0..count).map_while(|n| table.checked_add(n * size));
    let loader = segments.map_while(|at| Some((at, number(at, 4)?)));
    let loader = loader.into_iter().find(|(_, kind)| *kind == PT_INTERP);
    let loader = loader.and_then(|(at, _)| {
        let (from, length) = if wide {
            (number(at + 8, 8)?, number(at + 32, 8)?)
        } else {
            (number(at + 4, 4)?, number(at + 16, 4)?)
        };
        let text = bytes.get(from..from.checked_add(length)?)?;
        let text = text.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(text).into_owned())
    });
    Some(ProgramHeader::Elf { machine, loader })
}

/// The architecture of an ELF machine.
pub(super) fn architecture(machine: u16) -> String {
    let known = MACHINES.iter().find(|(number, _)| *number == machine);
    known.map_or_else(
        || format!("machine {machine}"),
        |(_, name)| (*name).to_owned(),
    )
}

const PT_INTERP: usize = 3;
/// Names as in `std::env::consts::ARCH`.
const MACHINES: [(u16, &str); 8] = [
    (3, "x86"),
    (21, "powerpc64"),
    (22, "s390x"),
    (40, "arm"),
    (62, "x86_64"),
    (183, "aarch64"),
    (243, "riscv64"),
    (258, "loongarch64"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_is_of_this_architecture_and_its_loader_exists() {
        let bytes = std::fs::read("/proc/self/exe").expect("itself");
        let ProgramHeader::Elf { machine, loader } = ProgramHeader::of(&bytes) else {
            panic!("not ELF");
        };
        assert_eq!(architecture(machine), std::env::consts::ARCH);
        assert!(loader.is_none_or(|loader| std::path::Path::new(&loader).exists()));
    }

    #[test]
    fn scripts_are_distinguished_from_other_files() {
        let script = ProgramHeader::of(b"#!/bin/sh -e\r\nexit\n");
        assert_eq!(script, ProgramHeader::Script("/bin/sh -e\r".to_owned()));
        assert_eq!(ProgramHeader::of(b"MZ"), ProgramHeader::Unknown);
        assert_eq!(
            ProgramHeader::of(b"\x7fELF\x02\x01"),
            ProgramHeader::Unknown
        );
    }
}
