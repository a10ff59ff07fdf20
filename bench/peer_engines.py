"""The engines that bench/peers.py compares: how each gets its int8 model, loads it, and runs it.

`prepare` writes what an engine loads into the model's folder. The classes below it run one model in a process of their own (peer_runner.py).
The engines' packages are imported where they are used, as each process needs only its own.
"""
import json
import os
import pathlib
import subprocess
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))

CALIBRATION_SAMPLES = 8


def calibration(inputs):
    """Random inputs like the given ones; what a mask holds stays as it is."""
    import torch

    generator = torch.Generator().manual_seed(1)
    for _ in range(CALIBRATION_SAMPLES):
        yield tuple(t if t.dim() == 4 and t.shape[1:3] == (1, 1) else torch.randn(t.shape, generator=generator)
                    for t in inputs)


# --- prepare -------------------------------------------------------------------------------------------------------


def prepare_torch(model, module, inputs, folder, float_attention=False):
    """The archive of archive_of, for qrules and Inductor; models in bf16 have autocast's casts in their graphs."""
    import torch
    from export_model import quantize
    from peer_models import weight_only

    if model.mode == "weight_only":
        exported = torch.export.export(weight_only(module), inputs, strict=True)
    else:
        exported = quantize(module, inputs, calibration(inputs), dynamic=model.mode == "dynamic",
                            products=model.attends and not float_attention)
    torch.export.save(exported, folder / archive_of(model, float_attention, autocast=False))
    if model.bf16 and model.mode != "weight_only":
        with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
            mixed = torch.export.export(exported.module(), inputs, strict=False)
        torch.export.save(mixed, folder / archive_of(model, float_attention))


def archive_of(model, float_attention=False, autocast=True):
    """The file of a model. `float_attention`: the products of its attention are not quantized; `autocast`: those of a bf16 model have casts."""
    return "model" + ("_float_attention" if float_attention else "") + \
        ("_bf16" if autocast and model.bf16 and model.mode != "weight_only" else "") + ".pt2"


def prepare_onnx(model, module, inputs, folder):
    """model.onnx in floating point, for ONNX Runtime and OpenVINO."""
    import torch

    names = [f"input_{i}" for i in range(len(inputs))]
    torch.onnx.export(module, inputs, folder / "model.onnx", dynamo=True, input_names=names, verbose=False)


def prepare_onnxruntime(model, inputs, folder):
    from onnxruntime import quantization as q
    from onnxruntime.quantization.shape_inference import quant_pre_process

    source, target = str(folder / "model.onnx"), str(folder / "onnxruntime.onnx")
    if model.mode == "weight_only":
        import onnx
        from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

        config = DefaultWeightOnlyQuantConfig(block_size=128, is_symmetric=True, accuracy_level=4, bits=8)
        quantizer = MatMulNBitsQuantizer(onnx.load(source), algo_config=config)
        quantizer.process()
        onnx.save(quantizer.model.model if hasattr(quantizer.model, "model") else quantizer.model, target)
        return
    if model.mode == "dynamic":
        q.quantize_dynamic(source, target, weight_type=q.QuantType.QInt8, per_channel=True)
        return

    class Reader(q.CalibrationDataReader):
        def __init__(self):
            self.samples = iter([{f"input_{i}": t.numpy() for i, t in enumerate(s)} for s in calibration(inputs)])

        def get_next(self):
            return next(self.samples, None)

    simplified = str(folder / "model_simplified.onnx")
    quant_pre_process(source, simplified)
    q.quantize_static(simplified, target, Reader(), quant_format=q.QuantFormat.QDQ, per_channel=True,
                      activation_type=q.QuantType.QUInt8, weight_type=q.QuantType.QInt8,
                      op_types_to_quantize=["Conv", "MatMul", "Gemm", "Add", "MaxPool", "GlobalAveragePool"]
                      if "Conv" in op_types(simplified) else ["MatMul", "Gemm"],
                      extra_options={"MatMulConstBOnly": True})


def op_types(path):
    import onnx

    return {node.op_type for node in onnx.load(path, load_external_data=False).graph.node}


def prepare_openvino(model, inputs, folder):
    import nncf
    import openvino as ov

    converted = ov.convert_model(folder / "model.onnx")
    if model.mode in ("weight_only", "dynamic"):
        # OpenVINO quantizes the activations of compressed linears at run time by itself.
        quantized = nncf.compress_weights(converted, mode=nncf.CompressWeightsMode.INT8_SYM)
    else:
        samples = [{f"input_{i}": t.numpy() for i, t in enumerate(s)} for s in calibration(inputs)]
        transformer = model.name.startswith(("bert", "minilm", "vit"))
        quantized = nncf.quantize(converted, nncf.Dataset(samples), preset=nncf.QuantizationPreset.MIXED,
                                  model_type=nncf.ModelType.TRANSFORMER if transformer else None)
    ov.save_model(quantized, folder / "openvino.xml", compress_to_fp16=False)


# --- run -----------------------------------------------------------------------------------------------------------


class Qrules:
    """Each round is a run of `qrules bench`, so the process is as new as its users'."""

    def __init__(self, binary, model, folder, threads, float_attention, bf16):
        # As OpenVINO's hint of its precision: f32 stays f32, but for models in bf16.
        self.settings = ["--threads", str(threads), "--float-products", "bf16" if bf16 or model.bf16 else "f32"]
        self.command = [binary, "bench", str(folder / archive_of(model, float_attention)), "--json", *self.settings]
        self.inputs = [option for path in sorted(folder.glob("input_*.npy")) for option in ("--input", str(path))]
        self.binary, self.folder = binary, folder

    def outputs(self):
        command = [self.binary, "run", self.command[2], *self.settings, "--output-dir", str(self.folder / "out_qrules"),
                   "--json", *self.inputs]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return [np.load(p) for p in sorted((self.folder / "out_qrules").glob("out_*.npy"))]

    def round(self, iterations):
        result = subprocess.run(self.command + self.inputs + ["--iters", str(iterations), "--warmup", "5"], check=True,
                                capture_output=True, text=True)
        return json.loads(result.stdout)


class Inductor:
    def __init__(self, model, folder, threads, cpp_wrapper):
        import torch
        import torchao.quantization.pt2e.quantizer.x86_inductor_quantizer  # noqa: F401  (registers its passes)
        import torch._inductor.config as config

        torch.set_num_threads(threads)
        config.freezing = True
        config.cpp_wrapper = cpp_wrapper
        self.torch = torch
        self.autocast = model.bf16 and model.mode != "weight_only"
        self.inputs = [torch.from_numpy(a) for a in load_inputs(folder)]
        module = torch.export.load(folder / "model.pt2").module()
        with torch.no_grad():
            self.compiled = torch.compile(module)
            self.run()

    def run(self):
        with self.torch.no_grad(), self.torch.autocast("cpu", dtype=self.torch.bfloat16, enabled=self.autocast):
            return self.compiled(*self.inputs)

    def outputs(self):
        result = self.run()
        return [t.float().numpy() for t in (result if isinstance(result, (tuple, list)) else [result])]

    def current_inputs(self):
        return [t.numpy() for t in self.inputs]


class OnnxRuntime:
    def __init__(self, model, folder, threads):
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = ort.InferenceSession(str(folder / "onnxruntime.onnx"), options, providers=["CPUExecutionProvider"])
        self.feed = {i.name: a for i, a in zip(self.session.get_inputs(), load_inputs(folder))}

    def run(self):
        return self.session.run(None, self.feed)

    def outputs(self):
        return [np.asarray(a, dtype=np.float32) for a in self.run()]

    def current_inputs(self):
        return list(self.feed.values())


class OpenVino:
    def __init__(self, model, folder, threads):
        import openvino as ov

        core = ov.Core()
        settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1,
                    "INFERENCE_PRECISION_HINT": "bf16" if model.bf16 else "f32"}
        self.compiled = core.compile_model(core.read_model(folder / "openvino.xml"), "CPU", settings)
        self.request = self.compiled.create_infer_request()
        self.arrays = load_inputs(folder)
        for i, array in enumerate(self.arrays):
            self.request.set_input_tensor(i, ov.Tensor(array, shared_memory=True))

    def run(self):
        self.request.infer()
        return self.request

    def outputs(self):
        self.run()
        return [np.array(self.request.get_output_tensor(i).data, dtype=np.float32)
                for i in range(len(self.compiled.outputs))]

    def current_inputs(self):
        return self.arrays


def load_inputs(folder):
    return [np.load(p) for p in sorted(pathlib.Path(folder).glob("input_*.npy"))]


def make(engine, model, folder, threads):
    if engine in ("inductor", "inductor-cpp"):
        return Inductor(model, folder, threads, engine == "inductor-cpp")
    if engine == "onnxruntime":
        return OnnxRuntime(model, folder, threads)
    if engine == "openvino":
        return OpenVino(model, folder, threads)
    raise ValueError(f"no engine {engine}")


def settings_of_process(threads):
    """Thread settings that every engine's process gets alike."""
    return {**os.environ, "OMP_NUM_THREADS": str(threads)}
