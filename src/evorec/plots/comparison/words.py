"""What the page of a comparison says, in English and Chinese. Names of systems stay as the JSON has them."""

from typing import Final

WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "title": "Comparison of {recipe} on {source}", "log": "a log", "verdict": "Verdict", "bars": "Quality",
        "table": "All figures", "strata": "For whom", "ages": "Freshness", "weights": "Weights in the blend",
        "cost": "Cost against quality", "facts": "Data and circumstances", "notes": "Notes of the model",
        "next": "next choice of each user", "successive": "every later choice", "frozen": "frozen clock",
        "query_time": "clock at query time", "n": "{queries:,} targets of {users:,} users",
        "size": "n = {queries:,}, users: {users:,}",
        "leads": "{system} is best: its NDCG@{k} of {mean:.4f} lies {difference} above the runner-up, {against}.",
        "no lead": (
            "No claim: {system} has the highest NDCG@{k}, {mean:.4f}, but its lead over the runner-up, "
            "{against}, is inside the interval: {difference}."
        ),
        "alone": "Only one system was measured: there is nothing to compare it with.",
        "better": "{system} is better than the best baseline, {against}: {difference}.",
        "not worse": "{system} is not worse than the best baseline, {against}: {difference}.",
        "worse": "{system} is worse than the best baseline, {against}: {difference}.",
        "inside the interval": "Nothing can be said of {system} against the best baseline, {against}: {difference}.",
        "interval note": (
            "Square brackets and lines across a bar: 95% interval, by bootstrap over users; differences are "
            "paired. The best was found by looking, so a narrow lead is likely a little smaller."
        ),
        "bars note": (
            "Mean NDCG@{k} with 95% intervals. Dark: the recipe; light: a part of it alone; dashed outline: "
            "baseline."
        ),
        "strata note": (
            "NDCG@{k} with 95% intervals, {protocol}. ● {recipe}   □ {baseline}, the best baseline. In a small "
            "group the interval is wide: where two overlap, claim nothing."
        ),
        "ages note": (
            "NDCG@{k} with 95% intervals by the time from the cut to the target. ● {recipe}   □ {baseline}. A model "
            "that is not updated knows less of what comes later; who comes late may differ too."
        ),
        "nothing": "Without weight: {scorers}.", "days": "{low:.1f}–{high:.1f} days after the cut",
        "beyond": "Beyond accuracy, and cost",
        "weights note": (
            "How much each scorer adds for everybody, per standard deviation of its evidence, with 95% "
            "intervals. Weights of one user depend on history, silence and drift."
        ),
        "prior": "The log was too short to fit weights: they are the prior.", "answer": "seconds for 1,000 lists",
        "fit": "seconds to fit",
        "answer note": "Answering ({protocol}): one process, lists of {k}, scored and ranked. Numbers: its table.",
        "fit note": (
            "Time to fit; less than 0.001 seconds is drawn there. Parts of the recipe are fitted together with it and "
            "have no time of their own."
        ),
        "only": "Only {name} has a time to fit: {seconds:.2f} seconds.",
        "memory": "Peak memory of the whole run, with reading, fitting and measuring: {mb:,.0f} MB.",
        "no cost": "No system has a time that could be drawn.", "number": "no.", "system": "system", "kind": "kind",
        "recipe": "recipe", "part": "part", "baseline": "baseline", "difference": "difference to {recipe}",
        "said": "verdict against {recipe}", "debiased": "debiased NDCG", "coverage": "coverage",
        "novelty": "novelty (bits)", "personalisation": "personalisation", "diversity": "diversity in a list",
        "sources": "files", "events": "events", "users": "users", "items": "items", "span": "span", "cut": "cut",
        "ties": "events in ties", "protocol": "protocols", "candidates": "candidates", "repeats": "repeats count",
        "encoder": "encoder", "machine": "machine", "cores": "cores", "versions": "versions", "seed": "seed",
        "measured": "measured", "yes": "yes", "no": "no", "with events": "{items:,}, of which {seen:,} have events",
        "warm": "items with events before the cut", "available": "items on offer at the target's time",
        "parts": "{cut}: {before:,} events before it, {after:,} after it", "history length": "History length",
        "drift": "Drift", "time since last event": "Time since last event", "target": "Cold and warm targets",
        "age of the model": "Time since training",
    },
    "zh": {
        "title": "{recipe} 在 {source} 上的比较", "log": "一份日志", "verdict": "结论", "bars": "质量",
        "table": "全部数字", "strata": "对哪些用户", "ages": "新鲜度", "weights": "融合权重", "cost": "代价与质量",
        "facts": "数据与环境", "notes": "模型备注", "next": "每位用户的下一次选择", "successive": "之后的每一次选择",
        "frozen": "冻结时钟", "query_time": "查询时刻时钟", "n": "{users:,} 位用户的 {queries:,} 个目标",
        "size": "n = {queries:,}, {users:,} 位用户",
        "leads": "{system} 最好: NDCG@{k} 为 {mean:.4f}, 比第二名 {against} 高 {difference}。",
        "no lead": (
            "不下结论: {system} 的 NDCG@{k} 最高, 为 {mean:.4f}, 但领先第二名 {against} 的幅度在区间之内: "
            "{difference}。"
        ),
        "alone": "只测量了一个系统, 没有可比较的对象。",
        "better": "{system} 优于最好的基线 {against}: {difference}。",
        "not worse": "{system} 不差于最好的基线 {against}: {difference}。",
        "worse": "{system} 差于最好的基线 {against}: {difference}。",
        "inside the interval": "{system} 与最好的基线 {against} 之间无法下结论: {difference}。",
        "interval note": (
            "方括号与条上的线段: 95% 区间, 按用户自助抽样; 差值为配对差。最好的系统是看过结果才知道的, "
            "微弱的领先实际上可能更小。"
        ),
        "bars note": "NDCG@{k} 的均值与 95% 区间。深色: 配方; 浅色: 配方的单个部分; 虚线框: 基线。",
        "strata note": (
            "NDCG@{k} 与 95% 区间, {protocol}。● {recipe}   □ 最好的基线 {baseline}。人数少的组区间很宽: "
            "两者重叠时不下结论。"
        ),
        "ages note": (
            "按从切分到目标的时间分组的 NDCG@{k} 与 95% 区间。● {recipe}   □ {baseline}。"
            "不更新的模型对后来的事知道得更少; 来得晚的用户也可能不同。"
        ),
        "nothing": "没有权重: {scorers}。", "days": "切分后 {low:.1f}–{high:.1f} 天", "beyond": "准确度之外, 以及代价",
        "weights note": (
            "各评分器对所有人的贡献 (按其证据的一个标准差), 含 95% "
            "区间。单个用户的权重取决于历史长度、沉默时间与漂移。"
        ),
        "prior": "日志太短, 无法拟合权重: 使用先验值。", "answer": "每 1,000 个列表的秒数", "fit": "拟合秒数",
        "answer note": "回答所需时间 ({protocol}): 单进程, 长度为 {k} 的列表, 含打分与排序。编号见该协议的表。",
        "fit note": "拟合所需时间; 不足 0.001 秒的画在该处。配方的各部分与配方一起拟合, 没有单独的时间。",
        "only": "只有 {name} 有拟合时间: {seconds:.2f} 秒。",
        "memory": "整个过程 (读取、拟合、测量) 的峰值内存: {mb:,.0f} MB。", "no cost": "没有可以画出的时间。",
        "number": "编号", "system": "系统", "kind": "类别", "recipe": "配方", "part": "部分", "baseline": "基线",
        "difference": "与 {recipe} 之差", "said": "相对 {recipe} 的结论", "debiased": "去偏 NDCG",
        "coverage": "覆盖率", "novelty": "新颖度 (比特)", "personalisation": "个性化", "diversity": "列表内多样性",
        "sources": "文件", "events": "事件", "users": "用户", "items": "物品", "span": "时间范围", "cut": "切分",
        "ties": "同一时刻的事件", "protocol": "协议", "candidates": "候选", "repeats": "重复计入",
        "encoder": "编码器", "machine": "机器", "cores": "核心数", "versions": "版本", "seed": "随机种子",
        "measured": "测量时间", "yes": "是", "no": "否", "with events": "{items:,}, 其中 {seen:,} 个有事件",
        "warm": "切分之前有事件的物品", "available": "目标时刻在售的物品",
        "parts": "{cut}: 之前 {before:,} 个事件, 之后 {after:,} 个", "history length": "历史长度", "drift": "漂移",
        "time since last event": "距上次事件的时间", "target": "冷目标与热目标", "age of the model": "距训练的时间",
    },
}  # fmt: skip

# Levels and verdicts as the JSON has them; what is not named here stays as it is.
CHINESE: Final[dict[str, str]] = {
    "100 and more": "100 及以上", "under a day": "不到 1 天", "1-6 days": "1–6 天", "7-29 days": "7–29 天",
    "30 days and more": "30 天及以上", "low": "低", "middle": "中", "high": "高", "warm": "热", "cold": "冷",
    "warm and cold": "冷热皆有", "better": "更好", "not worse": "不差", "worse": "更差",
    "inside the interval": "区间之内",
}  # fmt: skip
