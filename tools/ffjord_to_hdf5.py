#!/usr/bin/env python3
"""Copies the network of a FFJORD checkpoint into the HDF5 file that `pathline import ffjord` reads.

Takes checkpt.pth as train_toy.py and train_tabular.py of github.com/rtqichen/ffjord save it: a dictionary of the
command's `args` and the model's `state_dict`. Needs numpy and h5py, and neither PyTorch nor FFJORD's source.

Layout of the output:
  attributes   dim, hidden, layer_type, nonlinearity, residual, end_time (one a block), num_blocks, batch_norm, bn_lag,
               batch_norm_epsilon, solver, tolerance (= rtol), rtol, atol, dtype; where `args` has them: data,
               divergence_fn, rademacher, train_T
  parameters/  float64 arrays by their state-dict names, without 'odefunc.odefunc.diffeq.' and '_num_evals':
               one block     layers.0._layer.weight ... sqrt_end_time
               a chain       chain.0.running_mean, chain.1.layers.0._layer.weight ...
Time runs as in FFJORD, from the data at 0 to the base at end_time.
"""

import argparse
import collections
import io
import os
import pickle
import re
import sys
import tempfile
import zipfile

EXAMPLE = """example:
  tools/ffjord_to_hdf5.py experiments/cnf/checkpt.pth -o ffjord.h5
  pathline import ffjord ffjord.h5 -o model.h5"""

BATCH_NORM_EPSILON = 1e-4  # MovingBatchNormNd's default, which the checkpoint does not hold


class Problem(Exception):
    """What stands between the user and the output, in one line."""


# --- Reading what torch.save wrote -----------------------------------------------------------------------------------

STORAGES = {"DoubleStorage": "<f8", "FloatStorage": "<f4", "HalfStorage": "<f2", "LongStorage": "<i8",
            "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "<i1", "ByteStorage": "<u1", "BoolStorage": "?"}


class Storage:
    """A flat array whose numbers may be read after the tensors that view it."""

    def __init__(self, dtype, count):
        self.dtype, self.count, self.data = np.dtype(dtype), count, None

    def fill(self, raw):
        if len(raw) != self.count * self.dtype.itemsize:
            raise Problem(f"truncated: {len(raw)} of {self.count * self.dtype.itemsize} bytes of a tensor")
        self.data = np.frombuffer(raw, self.dtype)


class Tensor:
    def __init__(self, storage, offset, size, stride, *_):
        self.storage, self.offset, self.size, self.stride = storage, offset, tuple(size), tuple(stride)

    def array(self):
        last = self.offset + sum((n - 1) * s for n, s in zip(self.size, self.stride))
        if min(self.size, default=1) > 0 and not 0 <= self.offset <= last < self.storage.count:
            raise Problem("a tensor that is larger than its storage")
        strides = [s * self.storage.dtype.itemsize for s in self.stride]
        view = np.lib.stride_tricks.as_strided(self.storage.data[self.offset:], self.size, strides)
        return np.array(view, dtype=np.float64)


class Unpickler(pickle.Unpickler):
    """Makes what a checkpoint of FFJORD is made of, and runs nothing else."""

    KNOWN = {("argparse", "Namespace"): argparse.Namespace,
             ("collections", "OrderedDict"): collections.OrderedDict,
             ("torch", "Size"): tuple,
             ("torch._utils", "_rebuild_tensor"): Tensor,
             ("torch._utils", "_rebuild_tensor_v2"): Tensor,
             ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor}

    def __init__(self, file):
        super().__init__(file, encoding="utf-8")
        self.storages = {}

    def find_class(self, module, name):
        if module in ("torch", "torch.cuda") and name in STORAGES:
            return STORAGES[name]
        try:
            return self.KNOWN[module, name]
        except KeyError:
            raise Problem(f"holds a {module}.{name}, which no checkpoint of FFJORD does") from None

    def persistent_load(self, identity):
        _, dtype, key, _, count = identity[:5]  # the fourth is the device
        if len(identity) > 5 and identity[5] is not None:
            raise Problem("holds views of storages, as PyTorch before 0.4 wrote them: save it again with a newer one")
        return self.storages.setdefault(key, Storage(dtype, count))


def load_zip(file):
    """PyTorch from 1.6 on: one file of pickles and one for each storage, in a zip archive."""
    with zipfile.ZipFile(file) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise Problem("a zip archive without data.pkl")
        folder = pickles[0][:-len("data.pkl")]
        unpickler = Unpickler(io.BytesIO(archive.read(pickles[0])))
        content = unpickler.load()
        for key, storage in unpickler.storages.items():
            storage.fill(archive.read(f"{folder}data/{key}"))
    return content


def load_stream(file):
    """PyTorch before 1.6: pickles of a magic number, a protocol, the system, the content and the storages' keys,
    then for each storage its count and its numbers."""
    if Unpickler(file).load() != 0x1950A86A20F9469CFC6C or Unpickler(file).load() != 1001:
        raise Problem("no magic number of PyTorch")
    if not Unpickler(file).load().get("little_endian", True):
        raise Problem("written by a big-endian machine")
    unpickler = Unpickler(file)
    content = unpickler.load()
    for key in Unpickler(file).load():
        file.read(8)
        storage = unpickler.storages[key]
        storage.fill(file.read(storage.count * storage.dtype.itemsize))
    return content


def load_checkpoint(path):
    """args as a dictionary, and state_dict as float64 arrays by name."""
    try:
        with open(path, "rb") as file:
            is_zip = file.read(2) == b"PK"
            file.seek(0)
            content = load_zip(file) if is_zip else load_stream(file)
        if not isinstance(content, dict) or not {"args", "state_dict"} <= content.keys():
            raise Problem("no 'args' and 'state_dict': not saved by FFJORD's train_toy.py or train_tabular.py")
        state = {name: tensor.array() for name, tensor in content["state_dict"].items()}
        return dict(vars(content["args"])), state
    except (Problem, OSError) as error:
        raise Problem(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    except Exception as error:  # pickle and zipfile raise a dozen kinds for a damaged file
        raise Problem(f"{path}: not a checkpoint of PyTorch ({type(error).__name__}: {error})") from None


# --- What the network has to be --------------------------------------------------------------------------------------

def layer_shapes(layer_type, n, m):
    """Parameters of a layer of FFJORD's lib/layers/diffeq_layers/basic.py from n to m columns."""
    linear = {"_layer.weight": (m, n), "_layer.bias": (m,)}
    if layer_type == "ignore":
        return linear
    if layer_type == "concat":
        return {"_layer.weight": (m, n + 1), "_layer.bias": (m,)}
    if layer_type == "concat_v2":
        return {**linear, "_hyper_bias.weight": (m, 1)}
    if layer_type == "squash":
        return {**linear, "_hyper.weight": (m, 1), "_hyper.bias": (m,)}
    if layer_type == "concatsquash":
        return {**linear, "_hyper_bias.weight": (m, 1), "_hyper_gate.weight": (m, 1), "_hyper_gate.bias": (m,)}
    if layer_type == "hyper":
        count = n * m + m
        return {"_hypernet.0.weight": (8, 1), "_hypernet.0.bias": (8,),
                "_hypernet.2.weight": (count, 8), "_hypernet.2.bias": (count,)}
    if layer_type == "blend":
        return {"_layer0.weight": (m, n), "_layer0.bias": (m,), "_layer1.weight": (m, n), "_layer1.bias": (m,)}
    raise Problem(f"layer_type = {layer_type!r}: must be one of ignore, concat, concat_v2, squash, concatsquash, "
                  "concatcoord, hyper, blend")


def block_shapes(net, dim):
    """Parameters of a CNF: the layers, the beta of swish after each hidden one, and the end time."""
    widths = [dim, *net["hidden"], dim]
    shapes = {"sqrt_end_time": ()}
    for i, (n, m) in enumerate(zip(widths, widths[1:])):
        shapes.update({f"layers.{i}.{name}": shape for name, shape in layer_shapes(net["layer_type"], n, m).items()})
        if net["nonlinearity"] == "swish" and i < len(net["hidden"]):
            shapes[f"activation_fns.{i}.beta"] = ()
    return shapes


def chain_shapes(net, dim):
    """Parameters of the whole model, in the order of FFJORD's build_model_tabular."""
    blocks, batch_norm = net["num_blocks"], net["batch_norm"]
    if blocks == 1 and not batch_norm:
        return block_shapes(net, dim)
    norm = {"step": (1,), "weight": (dim,), "bias": (dim,), "running_mean": (dim,), "running_var": (dim,)}
    parts = [norm] if batch_norm else []
    for _ in range(blocks):
        parts += [block_shapes(net, dim)] + ([norm] if batch_norm else [])
    return {f"chain.{i}.{name}": shape for i, part in enumerate(parts) for name, shape in part.items()}


def network(args):
    """The attributes that the parameters' names and shapes follow from."""
    missing = [name for name in ("dims", "layer_type", "nonlinearity") if name not in args]
    if missing:
        raise Problem(f"args has no '{missing[0]}': not saved by FFJORD's train_toy.py or train_tabular.py")
    if not re.fullmatch(r"\d+(-\d+)*", str(args["dims"])):
        raise Problem(f"args.dims = {args['dims']!r}: must be widths such as 64-64-64")
    return {"hidden": [int(width) for width in args["dims"].split("-")],
            # FFJORD makes the layers of concatcoord as those of concat.
            "layer_type": "concat" if args["layer_type"] == "concatcoord" else args["layer_type"],
            "nonlinearity": args["nonlinearity"],
            "residual": int(bool(args.get("residual"))),
            "num_blocks": int(args.get("num_blocks", 1)),
            "batch_norm": int(bool(args.get("batch_norm")))}


def plain_names(state, in_chain):
    """state_dict's arrays by the names of the layout."""
    plain = {}
    for name, array in state.items():
        name = re.sub(r"^module\.", "", name)  # of nn.DataParallel
        # The ODE function is wrapped in one that may carry regularizers. Spectral norm keeps what it divides beside
        # the weight that it made.
        if name.endswith("._num_evals") or re.search(r"\.weight_(orig|u|v)$", name):
            continue
        name = re.sub(r"\.(odefunc\.){1,2}diffeq\.", ".", name)
        plain[name if in_chain else re.sub(r"^chain\.0\.", "", name)] = array
    return plain


def data_dim(net, state):
    """The number of columns: what a batch norm takes or the last layer gives."""
    for pattern in (r"running_mean$", r"layers\.\d+\._layer0?\.bias$"):
        names = [name for name in state if re.search(pattern, name)]
        if names:
            return state[names[-1]].size
    for name in state:
        if name.endswith("layers.0._hypernet.2.bias"):  # n m + m numbers, from n columns to m, the first width
            return state[name].size // net["hidden"][0] - 1
    raise Problem("state_dict has no layers: not saved by FFJORD's train_toy.py or train_tabular.py")


def check(shapes, state):
    for name, shape in shapes.items():
        if name not in state:
            raise Problem(f"state_dict has no '{name}', which args ask for")
        if state[name].shape != shape:
            raise Problem(f"'{name}' has shape {state[name].shape}, and args ask for {shape}")
        if not np.isfinite(state[name]).all():
            raise Problem(f"'{name}' holds a value that is not finite")
    unknown = sorted(state.keys() - shapes.keys())
    if unknown:
        raise Problem(f"state_dict has '{unknown[0]}', which args do not ask for")


# --- Writing ---------------------------------------------------------------------------------------------------------

def attributes(args, net, dim, state):
    times = [float(state[name]) ** 2 for name in state if name.endswith("sqrt_end_time")]
    rtol = float(args.get("rtol", 1e-5))
    result = {"dim": dim, **net, "end_time": times[0] if len(times) == 1 else times, "dtype": "float64",
              "bn_lag": float(args.get("bn_lag", 0)), "batch_norm_epsilon": BATCH_NORM_EPSILON,
              "solver": str(args.get("solver", "dopri5")),
              "tolerance": rtol, "rtol": rtol, "atol": float(args.get("atol", 1e-5))}
    for name in ("data", "divergence_fn"):
        if name in args:
            result[name] = str(args[name])
    for name in ("rademacher", "train_T"):
        if name in args:
            result[name] = int(bool(args[name]))
    return result


def write(path, attrs, parameters):
    """Beside the output first, then renamed: the output is replaced whole or not at all."""
    try:
        handle, beside = tempfile.mkstemp(prefix=os.path.basename(path) + ".", dir=os.path.dirname(path) or ".")
    except OSError as error:
        raise Problem(f"{path}: {error.strerror}") from None
    os.close(handle)
    try:
        with h5py.File(beside, "w") as file:
            file.attrs.update(attrs)
            group = file.create_group("parameters")
            for name, array in parameters.items():
                group[name] = array
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(beside, 0o666 & ~umask)  # mkstemp's file is the user's alone
        os.replace(beside, path)
    except OSError as error:
        raise Problem(f"{path}: {error.strerror or error}") from None
    finally:
        if os.path.exists(beside):
            os.remove(beside)


def convert(checkpoint, output):
    args, state = load_checkpoint(checkpoint)
    try:
        net = network(args)
        state = plain_names(state, net["num_blocks"] > 1 or net["batch_norm"])
        dim = data_dim(net, state)
        shapes = chain_shapes(net, dim)
        check(shapes, state)
    except Problem as problem:
        raise Problem(f"{checkpoint}: {problem}") from None
    parameters = {name: state[name] for name in shapes}
    write(output, attributes(args, net, dim, parameters), parameters)
    count = sum(array.size for array in parameters.values())
    print(f"{output}: {net['num_blocks']} x {net['layer_type']} {dim}-{args['dims']}-{dim}, {net['nonlinearity']}, "
          f"{count} numbers")


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Problem(f"{message} (see --help)")


def main():
    parser = Parser(prog="ffjord_to_hdf5.py", description=__doc__, epilog=EXAMPLE,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", metavar="CHECKPT",
                        help="checkpt.pth of FFJORD's train_toy.py or train_tabular.py")
    parser.add_argument("-o", "--output", metavar="OUT.h5", required=True, help="output file")
    try:
        options = parser.parse_args()
        global h5py, np
        try:
            import h5py
            import numpy as np
        except ImportError as error:
            raise Problem(f"needs numpy and h5py (Debian: python3-h5py): {error}") from None
        convert(options.checkpoint, options.output)
    except Problem as problem:
        print(f"ffjord_to_hdf5.py: {' '.join(str(problem).split())}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
