# SPDX-License-Identifier: Apache-2.0
"""Models of images in torch.nn that torchvision has not: down and up again, and a transformed view."""
import torch
from torch import nn
from torch.nn import functional


def block(before, after):
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.GroupNorm(4, after), nn.SiLU())


class Unet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2, self.middle = block(3, 8), block(8, 16), block(16, 32)
        self.up2, self.join2, self.join1, self.head = nn.ConvTranspose2d(32, 16, 2, 2), block(32, 16), block(24, 8), nn.Conv2d(8, 2, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(functional.max_pool2d(a, 2))
        c = self.join2(torch.cat([self.up2(self.middle(functional.avg_pool2d(b, 2))), b], 1))
        c = functional.interpolate(c, scale_factor=2, mode="bilinear", align_corners=False)
        return self.head(self.join1(torch.cat([c, a], 1)))


class SpatialTransformer(nn.Module):
    def __init__(self, size=8):
        super().__init__()
        self.size, self.where = size, nn.Linear(3 * size * size, 6)

    def forward(self, x):
        across = torch.linspace(-1, 1, self.size)
        rows, columns = torch.meshgrid(across, across, indexing="ij")
        places = torch.stack([columns, rows, torch.ones_like(rows)], -1).view(1, self.size**2, 3)
        grid = places @ self.where(x.flatten(1)).view(-1, 2, 3).transpose(1, 2)
        return functional.grid_sample(x, grid.view(-1, self.size, self.size, 2), align_corners=False)
