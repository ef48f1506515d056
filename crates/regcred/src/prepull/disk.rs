//! A nearly full disk: the kubelet's garbage collection removes unused images then, and those that no
//! container has used come first.

use regcred_cri::Cri;
use regcred_run::output;
use rustix::fs::statvfs;

/// Warns for each file system of images above the kubelet's default threshold. Of one that is not
/// visible from here, as in a pod, nothing is known.
pub(super) async fn warn_if_full(cri: &Cri) {
    for filesystem in cri.filesystems().await.unwrap_or_default() {
        let Ok(found) = statvfs(&filesystem.mountpoint) else {
            continue;
        };
        let used = used_percent(found.f_blocks, found.f_bavail);
        if used >= THRESHOLD {
            let place = filesystem.mountpoint.display();
            output::note(&format!(
                "warning: the file system of the images, {place}, is {used} % full: from {THRESHOLD} % \
                 (imageGCHighThresholdPercent) a kubelet removes unused images, first those that no \
                 container has used"
            ));
        }
    }
}

/// As the kubelet computes it: what ordinary users cannot have counts as used.
fn used_percent(blocks: u64, available: u64) -> u64 {
    let used = blocks.saturating_sub(available);
    used.saturating_mul(100).checked_div(blocks).unwrap_or(0)
}

const THRESHOLD: u64 = 85;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_blocks_count_as_used() {
        assert_eq!(used_percent(100, 15), 85);
        assert_eq!(used_percent(0, 0), 0);
    }
}
