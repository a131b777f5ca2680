#!/usr/bin/env python3
"""The whole system answers like the model alone: every variant over the 1,000 held-out digits, label by label counted."""

import concurrent.futures

import support
from support import ClusterTest, HeldOut, NodePlan, digit, top_label


class Accuracy(ClusterTest):
    NODES = [NodePlan("edge-1"), NodePlan("edge-2")]
    MODELS = ["digits"]

    def test_every_variant_is_as_accurate_through_the_system_as_its_recipe_measured(self):
        labels = [label for _, label in HeldOut.images()]
        for variant in self.client.get("/api/v1/models/digits")["manifest"]["spec"]["variants"]:
            with self.subTest(variant["name"]):
                with concurrent.futures.ThreadPoolExecutor(8) as pool:
                    answers = list(pool.map(lambda number: self.infer(number, variant["name"]), range(len(labels))))
                right = sum(answer == label for answer, label in zip(answers, labels))
                print(f"{variant['name']}: {right} of {len(labels)} right; the recipe measured {variant['accuracy']}")
                self.assertEqual(right / len(labels), variant["accuracy"])

    def infer(self, number, variant):
        job = self.submit(wait_s=60, model="digits", inputs=digit(number), constraints={"variants": [variant]})
        self.assertEqual(job["result"]["variant"], variant)
        return top_label(job)


if __name__ == "__main__":
    support.main()
