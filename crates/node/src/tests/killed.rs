//! A process that is killed between any two steps.

use std::collections::BTreeSet;

use crate::testing::{Node, Snapshot, every, wish};
use crate::wish::Wish;
use crate::{apply, plan_installation, plan_removal};

/// Runs an installation, or a removal, that ends after a number of steps. Returns whether it came to its
/// end.
async fn run(node: &Node, wish: Option<&Wish>, steps: u32) -> bool {
    let tree = node.tree();
    let plan = match wish {
        Some(wish) => plan_installation(&tree, wish),
        None => plan_removal(&tree),
    };
    let plan = plan.expect("a plan");
    tree.fuse.last.set(Some(steps));
    apply(&tree, &plan, None, &|_| Ok(())).await.is_ok()
}

/// Runs it killed after one step, then two, and so on; `made` makes the node for each.
async fn at_each_step(name: &str, made: impl AsyncFn() -> (Node, Snapshot), wish: Option<&Wish>) {
    let mut seen = BTreeSet::new();
    for steps in 0.. {
        assert!(steps < 500, "{name}: it comes to an end");
        let (node, before) = made().await;
        let ended = run(&node, wish, steps).await;
        seen.insert(format!("{:?}", node.snapshot()));
        // The removal may be killed as well.
        run(&node, None, steps % 7).await;
        node.uninstall()
            .await
            .unwrap_or_else(|error| panic!("{name}, step {steps}: {error}"));
        assert_eq!(
            node.snapshot(),
            before,
            "{name}, killed after {steps} steps"
        );
        if ended {
            break;
        }
    }
    assert!(seen.len() > 5, "{name}: the states differ");
}

fn node(at: usize) -> Node {
    every().swap_remove(at).1
}

/// Nodes whose flags are in a file that is edited, in none, and in a drop-in.
const DIFFERENT: [usize; 3] = [1, 3, 9];

#[tokio::test]
async fn a_killed_installation_is_taken_back_by_uninstall() {
    let wish = wish(&["ecr", "gcr"]);
    for at in DIFFERENT {
        let name = every()[at].0;
        let made = async || {
            let node = node(at);
            let before = node.snapshot();
            (node, before)
        };
        at_each_step(name, made, Some(&wish)).await;
    }
}

#[tokio::test]
async fn a_killed_installation_of_other_plugins_is_taken_back_by_uninstall() {
    let (first, second) = (wish(&["ecr", "acr"]), wish(&["gcr"]));
    for at in DIFFERENT {
        let name = every()[at].0;
        let made = async || {
            let node = node(at);
            let before = node.snapshot();
            node.install(&first).await.expect("installed");
            (node, before)
        };
        at_each_step(name, made, Some(&second)).await;
    }
}

#[tokio::test]
async fn a_killed_removal_is_continued_by_the_next() {
    let wish = wish(&["ecr", "gcr"]);
    for at in DIFFERENT {
        let name = every()[at].0;
        let made = async || {
            let node = node(at);
            let before = node.snapshot();
            node.install(&wish).await.expect("installed");
            (node, before)
        };
        at_each_step(name, made, None).await;
    }
}

#[tokio::test]
async fn a_killed_installation_is_completed_by_the_next_which_restarts_the_kubelet() {
    let wish = wish(&["ecr"]);
    let whole = {
        let node = node(0);
        node.install(&wish).await.expect("installed");
        node.snapshot()
    };
    for steps in 0..500 {
        let node = node(0);
        let ended = run(&node, Some(&wish), steps).await;
        let plan = node.plan(&wish).expect("a plan");
        let record = node.path("/var/lib/regcred/install.json");
        let record = std::fs::read_to_string(record).unwrap_or_default();
        let is_complete = record.contains("\"pending\": false");
        assert_eq!(plan.restart, !is_complete, "after {steps} steps");
        node.install(&wish).await.expect("installed");
        assert_eq!(node.snapshot(), whole, "after {steps} steps");
        if ended {
            return;
        }
    }
    panic!("it comes to an end");
}
