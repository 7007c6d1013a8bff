"""The recipe of `benchmarks ... pytorch` in PyTorch, by hand: one JSON command a line on stdin, one JSON answer a line on stdout.

{"open": "attention"}  reads the weights of a case;  {"steps": 10}  trains that many steps and answers losses and seconds a step.
Needs PyTorch and numpy only; the folder is made by the benchmark.
"""
import json
import struct
import sys
import time

import numpy
import torch
import torch.nn as nn
import torch.nn.functional as F

WARM_UP = 2


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    types = {"F32": numpy.float32, "I64": numpy.int64}
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            values = numpy.frombuffer(data[start:end], dtype=types[entry["dtype"]]).reshape(entry["shape"])
            tensors[name] = torch.from_numpy(values.copy())
    return tensors


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, depth, classes):
        super().__init__()
        blocks = (depth - 2) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self.stage(16, 16, blocks, 1)
        self.layer2 = self.stage(16, 32, blocks, 2)
        self.layer3 = self.stage(32, 64, blocks, 2)
        self.fc = nn.Linear(64, classes)

    @staticmethod
    def stage(inputs, outputs, blocks, stride):
        return nn.Sequential(BasicBlock(inputs, outputs, stride), *[BasicBlock(outputs, outputs, 1) for _ in range(blocks - 1)])

    def forward(self, x):
        features = []
        x = F.relu(self.bn1(self.conv1(x)))
        for stage in (self.layer1, self.layer2, self.layer3):
            x = stage(x)
            features.append(x)
        return self.fc(x.mean((2, 3))), features


def soft_target(student, teacher, temperature):
    s = F.log_softmax(student / temperature, -1)
    t = F.log_softmax(teacher / temperature, -1)
    return (t.exp() * (t - s)).sum(-1).mean() * temperature**2


def attention(student, teacher):
    def spatial(feature):
        return F.normalize(feature.pow(2).mean(1).flatten(1), dim=1)

    return sum((spatial(s) - spatial(t)).square().mean() for s, t in zip(student, teacher))


class Case:
    def __init__(self, folder, name):
        setting = json.load(open(f"{folder}/setting.json"))
        self.name, self.setting = name, setting["cases"][name]
        self.batch_size = setting["batch_size"]
        data = read_safetensors(f"{folder}/batches.safetensors")
        self.inputs, self.targets = data["inputs"], data["targets"]
        self.student = self.network(setting["student_depth"], setting["classes"], f"{folder}/student.safetensors").train()
        self.teacher = self.network(setting["teacher_depth"], setting["classes"], f"{folder}/teacher.safetensors").eval()
        parameters = list(self.student.parameters())
        self.projector = None
        if name == "fitnet":
            weights = read_safetensors(f"{folder}/projector.safetensors")
            outputs, inputs, window, _ = weights["weight"].shape
            self.projector = nn.Conv2d(inputs, outputs, window)
            self.projector.load_state_dict(weights)
            parameters += list(self.projector.parameters())
        decayed = [p for p in parameters if p.dim() >= 2]
        others = [p for p in parameters if p.dim() < 2]
        groups = [{"params": decayed, "weight_decay": setting["weight_decay"]}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.SGD(groups, lr=setting["learning_rate"], momentum=setting["momentum"], nesterov=True)
        self.position = 0

    @staticmethod
    def network(depth, classes, path):
        network = ResNet(depth, classes)
        weights = read_safetensors(path)
        missing, unexpected = network.load_state_dict(weights, strict=False)
        if unexpected or any(not key.endswith("num_batches_tracked") for key in missing):
            raise SystemExit(f"{path} does not fit: missing {missing}, unexpected {unexpected}")
        return network

    def loss(self, x, y):
        logits, features = self.student(x)
        hard = F.cross_entropy(logits, y)
        if self.name == "plain":
            return hard
        with torch.no_grad():
            teacher_logits, teacher_features = self.teacher(x)
        weight, total = self.setting["weight"], self.setting["hard_labels"] * hard
        if self.name == "soft_target":
            return total + weight * soft_target(logits, teacher_logits, self.setting["temperature"])
        if self.name == "attention":
            return total + weight * attention(features, teacher_features)
        return total + weight * (self.projector(features[1]) - teacher_features[1]).square().mean()

    def steps(self, count):
        losses, started = [], None
        for step in range(count):
            if step == WARM_UP:
                started = time.perf_counter()
            start = self.position % len(self.inputs)
            x, y = self.inputs[start : start + self.batch_size], self.targets[start : start + self.batch_size]
            self.position += self.batch_size
            self.optimizer.zero_grad()
            loss = self.loss(x, y)
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        return {"losses": losses, "seconds_per_step": (time.perf_counter() - started) / (count - WARM_UP)}


def main():
    folder, threads = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(threads)
    print(json.dumps({"version": torch.__version__}), flush=True)
    case = None
    for line in sys.stdin:
        command = json.loads(line)
        if "open" in command:
            case = Case(folder, command["open"])
            print("{}", flush=True)
        else:
            print(json.dumps(case.steps(command["steps"])), flush=True)


if __name__ == "__main__":
    main()
