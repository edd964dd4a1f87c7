"""The programs of examples/python run and say what they should."""
import subprocess
import sys

import pytest

from conftest import SOURCE

EXAMPLES = {
    "density.py": ["test NLL: 2.", "on the ring: -1.", "mean radius of the samples: 2.0"],
    "conditional.py": ["at mass 3: mean 3.0, width 0.5", "integral of p(x | 3): 1.00"],
    "weights.py": ["mean 1.0, width 0.7"],
    "sklearn_pipeline.py": ["chosen: [", "mean log-likelihood"],
    "torch_odeint.py": ["loss: 0.00", "(0.5, -0.8); exact: (0.5, -0.8)"],
    "neural_ode.py": ["largest error of sin(2 x): 0.", "change of the energy: ", "... is that at the start: True"],
    "hmc.py": ["acceptance: ", "nats; of the flow's own samples: -2.4"],
}


@pytest.mark.parametrize("example", sorted(path.name for path in (SOURCE / "examples" / "python").glob("*.py")))
def test_an_example_runs_and_says_what_it_should(example, tmp_path):
    if example.startswith("torch"):
        pytest.importorskip("torch")
    arguments = [str(tmp_path / "ring.png")] if example == "density.py" else []
    done = subprocess.run([sys.executable, str(SOURCE / "examples" / "python" / example), *arguments],
                          capture_output=True, text=True, cwd=SOURCE)
    assert done.returncode == 0, done.stderr
    for expected in EXAMPLES[example]:
        assert expected in done.stdout
